"""Contained resources by themselves, for `_contained`; a job that indexes those stored before."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "0015"
down_revision = "0014"

LAST_TYPE = 145
"""The number of the last resource type."""


def upgrade() -> None:
    """Make the table; ask for the job where anything is stored."""
    op.create_table(
        "contained_resource",
        sa.Column("key", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("container", sa.BigInteger, nullable=False),
        sa.Column("type", sa.SmallInteger, nullable=False),
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("tokens", ARRAY(sa.BigInteger), nullable=False),
    )
    op.create_index("contained_resource_container", "contained_resource", ["container"])
    op.create_index("contained_resource_type", "contained_resource", ["type", "key"])
    op.create_index(
        "contained_resource_tokens", "contained_resource", ["tokens"], postgresql_using="gin"
    )
    op.execute(f"""
        INSERT INTO reindex_job (id, types, state, requested)
        SELECT gen_random_uuid(), ARRAY(SELECT generate_series(0, {LAST_TYPE})::smallint), 'queued', now()
        WHERE EXISTS (SELECT FROM resource) AND NOT EXISTS (SELECT FROM reindex_job WHERE state = 'queued')
    """)  # noqa: S608 — a number of ours
