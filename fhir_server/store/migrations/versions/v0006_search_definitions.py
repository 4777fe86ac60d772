"""Search parameters defined at run time, and the jobs that index what was stored before them."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, TIMESTAMP, UUID

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "search_generation",
        sa.Column("id", sa.SmallInteger, primary_key=True, autoincrement=False),
        sa.Column("generation", UUID, nullable=False),
    )
    op.create_table(
        "search_gap",
        sa.Column("parameter", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("type", sa.SmallInteger, nullable=False),
        sa.Column("since", TIMESTAMP(timezone=True), nullable=False),
    )
    op.create_table(
        "reindex_job",
        sa.Column("id", UUID, primary_key=True),
        sa.Column("types", ARRAY(sa.SmallInteger), nullable=False),
        sa.Column("parameter", sa.Text),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("requested", TIMESTAMP(timezone=True), nullable=False),
        sa.Column("started", TIMESTAMP(timezone=True)),
        sa.Column("ended", TIMESTAMP(timezone=True)),
        sa.Column("bound", sa.BigInteger, nullable=False, server_default=sa.text("0")),
        sa.Column("position", sa.SmallInteger, nullable=False, server_default=sa.text("0")),
        sa.Column("sequence", sa.BigInteger, nullable=False, server_default=sa.text("0")),
        sa.Column("total", sa.BigInteger),
        sa.Column("processed", sa.BigInteger, nullable=False, server_default=sa.text("0")),
        sa.Column("changed", sa.BigInteger, nullable=False, server_default=sa.text("0")),
    )
    op.create_index(
        "reindex_job_open",
        "reindex_job",
        ["requested"],
        postgresql_where=sa.text("ended IS NULL"),
    )
