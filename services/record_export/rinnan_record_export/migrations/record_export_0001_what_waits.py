"""Find the deliveries that are not over, and the corrections that nobody has told. Expand-only."""

from alembic import op

revision = "record_export_0001"
down_revision = None
branch_labels = ("record_export",)
depends_on = "chassis_0001"


def upgrade() -> None:
    op.execute("set local lock_timeout = '5s'")
    op.execute(
        "create index subject_unsettled on subject (id) where jsonb_path_exists(state, '$.deliveries.* ?"
        ' (@.state != "confirmed" && @.state != "verified" && @.state != "cancelled")\')'
    )
    op.execute(
        "create index subject_corrected on subject (id)"
        " where jsonb_path_exists(state, '$.corrections[*] ? (@.taken_up_at == null)')"
    )


def downgrade() -> None:
    raise RuntimeError("migrations only expand")
