"""Where the resources with a token stand, as bits of blocks of 1,024 places: totals without reading all
matches. Nothing is kept at first; tokens are, once their totals were asked for.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import BIT, TIMESTAMP

revision = "0022"
down_revision = "0021"


def upgrade() -> None:
    """Make the three tables."""
    op.create_table(
        "token_block",
        sa.Column("token", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("block", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("places", BIT(1024), nullable=False),
    )
    op.create_table(
        "kept_token",
        sa.Column("token", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("type", sa.SmallInteger),
        sa.Column("built", sa.Boolean, nullable=False, server_default=sa.text("false")),
        sa.Column(
            "since", TIMESTAMP(timezone=True), nullable=False, server_default=sa.text("now()")
        ),
    )
    op.create_table("changed_block", sa.Column("block", sa.BigInteger, nullable=False))
