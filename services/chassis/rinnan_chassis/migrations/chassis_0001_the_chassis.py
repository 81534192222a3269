"""The chassis's own tables: what a room knows, what it heard, what it says and what it has to do. Expand-only."""

from alembic import op

revision = "chassis_0001"
down_revision = None
branch_labels = ("chassis",)
depends_on = None

TABLES = """
create table subject (
  id uuid primary key,
  state jsonb,
  held_at timestamptz,
  forgotten_at timestamptz
);
create index subject_held on subject (held_at) where held_at is not null;

create table claim (
  kind text not null,
  key bytea not null,
  subject uuid,
  note jsonb not null default '{}',
  primary key (kind, key)
);
create index claim_subject on claim (subject) where subject is not null;

create table inbox (
  source text not null,
  id text not null,
  heard_at timestamptz not null default now(),
  primary key (source, id)
);
create index inbox_heard on inbox using brin (heard_at);

create table parked (
  position bigint generated always as identity primary key,
  subject uuid not null,
  topic text not null,
  headers jsonb not null,
  body bytea,
  parked_at timestamptz not null default now()
);
create index parked_subject on parked (subject, position);

create table dead_letter (
  id uuid primary key,
  subject uuid,
  topic text not null,
  headers jsonb not null,
  record_key bytea,
  body bytea,
  reason text not null,
  set_aside_at timestamptz not null default now(),
  settled_at timestamptz,
  settled_as text
);
create index dead_letter_open on dead_letter (subject) where settled_at is null;

create table outbox (
  position bigint generated always as identity primary key,
  id uuid not null unique,
  subject uuid,
  topic text not null,
  record_key bytea,
  headers jsonb not null,
  body bytea,
  said_at timestamptz not null default now(),
  sent_at timestamptz
);
create index outbox_waiting on outbox (position) where sent_at is null;
create index outbox_said on outbox using brin (said_at);

create table work (
  id uuid primary key default gen_random_uuid(),
  kind text not null,
  key text not null,
  subject uuid not null,
  due_at timestamptz not null,
  payload jsonb not null,
  state text not null default 'waiting' check (state in ('waiting', 'leased', 'done', 'stuck')),
  lease_until timestamptz,
  fence integer not null default 0,
  attempts integer not null default 0,
  planned_at timestamptz not null default now(),
  ended_at timestamptz,
  unique (kind, key)
);
create index work_due on work (kind, due_at) where state = 'waiting';
create unique index work_leased on work (subject) where state = 'leased';
create index work_subject on work (subject);
create index work_ended on work (ended_at) where ended_at is not null;

create table command (
  caller text not null,
  name text not null,
  key text not null,
  id uuid not null,
  fingerprint bytea not null,
  answer jsonb not null,
  decided_at timestamptz not null default now(),
  primary key (caller, name, key)
);
create index command_decided on command (decided_at);

create table operation (
  id bigint generated always as identity primary key,
  actor text not null,
  verb text not null,
  subject uuid,
  thing text,
  why text not null,
  done_at timestamptz not null default now()
);
"""


def upgrade() -> None:
    op.execute("set local lock_timeout = '5s'")
    for statement in TABLES.strip().removesuffix(";").split(";\n"):
        op.execute(statement)


def downgrade() -> None:
    raise RuntimeError("migrations only expand")
