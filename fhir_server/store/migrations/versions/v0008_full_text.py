"""Words of resources, and the codes behind tokens, for full text search and for sorting."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import TSVECTOR

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "search_text",
        sa.Column("key", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("words", TSVECTOR, nullable=False),
    )
    op.create_index("search_text_words", "search_text", ["words"], postgresql_using="gin")
    op.create_table(
        "search_code",
        sa.Column("parameter", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("token", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("value", sa.Text(collation="C"), nullable=False),
    )
