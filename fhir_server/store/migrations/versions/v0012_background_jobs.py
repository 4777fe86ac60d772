"""Background jobs: what was asked for, how far it is, what came of it."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP, UUID

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "background_job",
        sa.Column("id", UUID, primary_key=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("asked", JSONB, nullable=False),
        sa.Column("content", sa.LargeBinary, nullable=False),
        sa.Column("requested", TIMESTAMP(timezone=True), nullable=False),
        sa.Column("started", TIMESTAMP(timezone=True)),
        sa.Column("ended", TIMESTAMP(timezone=True)),
        sa.Column("attempts", sa.Integer, nullable=False, server_default=sa.text("0")),
        sa.Column("total", sa.BigInteger),
        sa.Column("outcome", JSONB),
    )
    op.create_index(
        "background_job_open",
        "background_job",
        ["requested"],
        postgresql_where=sa.text("ended IS NULL"),
    )
    op.create_index("background_job_ended", "background_job", ["ended"])
    op.create_table(
        "background_part",
        sa.Column("job", UUID, primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("content", sa.LargeBinary, nullable=False),
    )
