"""Find who looked by delivery, which is how looks are read. Expand-only."""

from alembic import op

revision = "host_0002"
down_revision = "host_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("set local lock_timeout = '5s'")
    op.execute("create index look_delivery on look (delivery_id)")


def downgrade() -> None:
    raise RuntimeError("migrations only expand")
