"""A job that indexes what search did not look at before: references to contained resources, versions of
canonicals, composites of any components.
"""

from alembic import op

revision = "0024"
down_revision = "0023"

LAST_TYPE = 145
"""The number of the last resource type."""


def upgrade() -> None:
    """Ask for the job, where anything is stored and no other one waits that would do the same."""
    op.execute(f"""
        INSERT INTO reindex_job (id, types, state, requested)
        SELECT gen_random_uuid(), ARRAY(SELECT generate_series(0, {LAST_TYPE})::smallint), 'queued', now()
        WHERE EXISTS (SELECT FROM resource) AND NOT EXISTS (SELECT FROM reindex_job WHERE state = 'queued')
    """)  # noqa: S608 — a number of ours
