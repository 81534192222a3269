"""The log: entries in one chain, its anchors, and who looked at what. Expand-only."""

from alembic import op

revision = "event_log_0001"
down_revision = None
branch_labels = ("event_log",)
depends_on = ("chassis_0001",)

TABLES = """
create table entry (
  position bigint primary key,
  previous_hash bytea not null,
  chain_hash bytea not null,
  mark bytea not null unique,
  topic text not null,
  "partition" integer not null,
  "offset" bigint not null,
  source text,
  id text,
  type text,
  subject uuid,
  said_at timestamptz,
  heard_at timestamptz not null,
  causation text,
  traceparent text,
  body_digest bytea not null,
  clear json not null,
  body bytea
);
create index entry_subject on entry (subject, position) where subject is not null;
create index entry_with_body on entry (topic, heard_at) where body is not null;

create table chain (
  one boolean primary key default true check (one),
  begins_after bigint not null,
  begins_with bytea not null,
  position bigint not null,
  chain_hash bytea not null
);
insert into chain (begins_after, begins_with, position, chain_hash)
  values (0, decode(repeat('00', 32), 'hex'), 0, decode(repeat('00', 32), 'hex'));

create table anchor (
  position bigint primary key,
  chain_hash bytea not null,
  made_at timestamptz not null
);

create table look (
  id bigint generated always as identity primary key,
  actor text not null,
  what text not null,
  subject uuid,
  at timestamptz not null
);
create index look_subject on look (subject) where subject is not null;
"""


def upgrade() -> None:
    op.execute("set local lock_timeout = '5s'")
    for statement in TABLES.strip().removesuffix(";").split(";\n"):
        op.execute(statement)


def downgrade() -> None:
    raise RuntimeError("migrations only expand")
