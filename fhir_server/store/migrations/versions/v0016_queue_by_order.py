"""The queue is read in its order; nothing looks its keys up any more.

Each key of the index listed all messages of a patient that wait, and a claim asked for them once for each of
these messages: with 5,000 of one patient it took seconds.
"""

from alembic import op

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    """Drop the index on the order keys."""
    op.drop_index("ingest_queue_order_keys", "ingest_queue")
