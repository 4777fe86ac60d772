"""The journal of HL7 v2 messages and the queue of those that wait for a worker."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TIMESTAMP

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Make the tables."""
    op.execute("CREATE SEQUENCE ingest_message_sequence")
    _make_message()
    _make_queue()


def _make_message() -> None:
    op.create_table(
        "ingest_message",
        sa.Column("sender", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column(
            "id",
            sa.BigInteger,
            primary_key=True,
            autoincrement=False,
            server_default=sa.text("nextval('ingest_message_sequence')"),
        ),
        sa.Column("hash", sa.LargeBinary, nullable=False),
        sa.Column("control_id", sa.Text, nullable=False),
        sa.Column("application", sa.Text, nullable=False),
        sa.Column("facility", sa.Text, nullable=False),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("centre", sa.Text),
        sa.Column("connection", sa.Text, nullable=False),
        sa.Column("received", TIMESTAMP(timezone=True), nullable=False),
        sa.Column("raw", sa.LargeBinary, nullable=False),
        sa.Column("ack", sa.LargeBinary),
        sa.Column("order_keys", ARRAY(sa.BigInteger), nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("issues", JSONB, nullable=False),
        sa.Column("resources", ARRAY(sa.Text), nullable=False, server_default=sa.text("'{}'")),
        sa.Column("attempts", sa.Integer, nullable=False, server_default=sa.text("0")),
        sa.Column("processed", TIMESTAMP(timezone=True)),
    )
    op.create_index(
        "ingest_message_sent", "ingest_message", ["sender", "control_id", "hash"], unique=True
    )
    op.create_index("ingest_message_id", "ingest_message", ["id"])
    op.create_index("ingest_message_centre", "ingest_message", ["centre", "id"])
    op.create_index(
        "ingest_message_open",
        "ingest_message",
        ["state", "id"],
        postgresql_where=sa.text("state <> 'stored'"),
    )


def _make_queue() -> None:
    op.create_table(
        "ingest_queue",
        sa.Column("sender", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("order_keys", ARRAY(sa.BigInteger), nullable=False),
        sa.Column("due", TIMESTAMP(timezone=True), nullable=False, server_default=sa.text("now()")),
    )
    op.create_index("ingest_queue_id", "ingest_queue", ["id"])
    op.create_index(
        "ingest_queue_order_keys",
        "ingest_queue",
        ["order_keys"],
        postgresql_using="gin",
        postgresql_with={"fastupdate": "off"},
    )
