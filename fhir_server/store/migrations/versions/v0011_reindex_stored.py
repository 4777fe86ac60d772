"""A job that indexes the words and the codes of what was stored before there were tables for them."""

from alembic import op

revision = "0011"
down_revision = "0010"

LAST_TYPE = 145
"""The number of the last resource type."""


def upgrade() -> None:
    """Ask for the job, where anything is stored."""
    op.execute(f"""
        INSERT INTO reindex_job (id, types, state, requested)
        SELECT gen_random_uuid(), ARRAY(SELECT generate_series(0, {LAST_TYPE})::smallint), 'queued', now()
        WHERE EXISTS (SELECT FROM resource)
    """)  # noqa: S608 — a number of ours
