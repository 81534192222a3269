"""The documents of packages, sealed, and who looked at them. Expand-only."""

from alembic import op

revision = "host_0001"
down_revision = None
branch_labels = ("host",)
depends_on = "chassis_0001"

TABLES = """
create table document (
  id uuid primary key,
  registration_id uuid not null,
  delivery_id uuid not null,
  party_id uuid,
  name text not null,
  media_type text not null,
  protected boolean not null,
  sealed text not null,
  asked_at timestamptz not null
);
create index document_registration on document (registration_id);
create index document_delivery on document (delivery_id);

create table look (
  id bigint generated always as identity primary key,
  actor text not null,
  document_id uuid not null,
  delivery_id uuid not null,
  looked_at timestamptz not null
);
create index look_document on look (document_id)
"""


def upgrade() -> None:
    op.execute("set local lock_timeout = '5s'")
    for statement in TABLES.strip().split(";\n"):
        op.execute(statement)


def downgrade() -> None:
    raise RuntimeError("migrations only expand")
