"""What workers have in hand is written down before they work on it: a message that ends its worker is found
out by what the worker left behind.
"""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    """Make the table of attempts that have no result."""
    op.create_table(
        "ingest_attempt",
        sa.Column("sender", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("begun", sa.Integer, nullable=False, server_default=sa.text("1")),
    )
