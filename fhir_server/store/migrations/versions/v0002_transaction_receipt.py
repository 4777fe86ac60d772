"""Receipts of transactions that would write again if they came again."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import TIMESTAMP

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "transaction_receipt",
        sa.Column("digest", sa.LargeBinary, primary_key=True),
        sa.Column("created", TIMESTAMP(timezone=True), nullable=False),
        sa.Column("answer", sa.LargeBinary, nullable=False),
    )
    op.create_index("transaction_receipt_created", "transaction_receipt", ["created"])
