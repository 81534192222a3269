"""Find registrations by the hashes of their persons, and those that wait for a person. Expand-only."""

from alembic import op

revision = "intake_0001"
down_revision = None
branch_labels = ("intake",)
depends_on = "chassis_0001"


def upgrade() -> None:
    op.execute("set local lock_timeout = '5s'")
    op.execute(
        "create index subject_persons on subject using gin (jsonb_path_query_array(state, '$.parties.*.person.*'))"
    )
    op.execute(
        "create index subject_in_doubt on subject (id)"
        " where jsonb_path_exists(state, '$.attention[*] ? (@.settled_at == null)')"
    )


def downgrade() -> None:
    raise RuntimeError("migrations only expand")
