"""Subscriptions: what they are about, their events as an outbox, and how far delivery has come."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TIMESTAMP

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "subscription",
        sa.Column("key", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("is_on", sa.Boolean, nullable=False),
        sa.Column("types", ARRAY(sa.SmallInteger), nullable=False),
        sa.Column("triggers", JSONB, nullable=False),
        sa.Column("ends", TIMESTAMP(timezone=True)),
        sa.Column("events", sa.BigInteger, nullable=False, server_default=sa.text("0")),
    )
    op.create_table(
        "subscription_event",
        sa.Column("key", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("type", sa.SmallInteger, nullable=False),
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("method", sa.Text, nullable=False),
        sa.Column("occurred", TIMESTAMP(timezone=True), nullable=False),
    )
    op.create_index("subscription_event_occurred", "subscription_event", ["occurred"])
    op.create_table(
        "subscription_delivery",
        sa.Column("key", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("generation", sa.Integer, nullable=False),
        sa.Column("greeted", sa.Boolean, nullable=False),
        sa.Column("delivered", sa.BigInteger, nullable=False, server_default=sa.text("0")),
        sa.Column("due", TIMESTAMP(timezone=True), nullable=False, server_default=sa.text("now()")),
        sa.Column("heartbeat", TIMESTAMP(timezone=True)),
        sa.Column("attempts", sa.Integer, nullable=False, server_default=sa.text("0")),
        sa.Column("failing_since", TIMESTAMP(timezone=True)),
        sa.Column("error", sa.Text),
    )
