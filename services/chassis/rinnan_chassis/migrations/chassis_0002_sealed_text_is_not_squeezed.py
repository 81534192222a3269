"""What is sealed hardly shrinks, and trying cost half of what a write costs: it is stored as it is. Expand-only."""

from alembic import op

revision = "chassis_0002"
down_revision = "chassis_0001"
branch_labels = None
depends_on = None

SEALED = (("subject", "state"), ("outbox", "body"), ("parked", "body"), ("work", "payload"))


def upgrade() -> None:
    op.execute("set local lock_timeout = '5s'")
    for table, column in SEALED:
        op.execute(f"alter table {table} alter column {column} set storage external")


def downgrade() -> None:
    raise RuntimeError("migrations only expand")
