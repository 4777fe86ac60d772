"""Why attempts at a message had no result: besides workers that ended, connections that broke, time that ran
out.
"""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"


def upgrade() -> None:
    """Count both beside the attempts."""
    for name in ("broken", "overdue"):
        op.add_column(
            "ingest_attempt",
            sa.Column(name, sa.Integer, nullable=False, server_default=sa.text("0")),
        )
