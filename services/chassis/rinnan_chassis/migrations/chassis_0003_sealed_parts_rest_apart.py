"""A state names its sealed parts, and each is written once, in a row of its own. Expand-only."""

from alembic import op

revision = "chassis_0003"
down_revision = "chassis_0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("set local lock_timeout = '5s'")
    op.execute(
        """create table part (
             subject uuid not null,
             id uuid not null,
             party uuid,
             token text not null,
             primary key (subject, id)
           )"""
    )
    op.execute("alter table part alter column token set storage external")


def downgrade() -> None:
    raise RuntimeError("migrations only expand")
