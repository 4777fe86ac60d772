"""Each version says which interaction made it, where its number does not: what was stored before counts as
made by a create if it is the first, else by an update.
"""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    """Add the column; a constant default rewrites no row."""
    for table in ("resource", "resource_history"):
        op.add_column(
            table,
            sa.Column("origin", sa.SmallInteger, nullable=False, server_default=sa.text("0")),
        )
