"""What Subscriptions are about, the outbox of their events, how far delivery has come."""

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, SmallInteger, Table, Text, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TIMESTAMP

from fhir_server.store.schema.tables import metadata

subscription = Table(
    "subscription",
    metadata,
    Column("key", BigInteger, primary_key=True, autoincrement=False),
    Column("id", Text, nullable=False),
    Column("is_on", Boolean, nullable=False),
    Column("types", ARRAY(SmallInteger), nullable=False),
    Column("triggers", JSONB, nullable=False),
    Column("ends", TIMESTAMP(timezone=True)),
    Column("events", BigInteger, nullable=False, server_default=text("0")),
)
"""What each Subscription is about. `events` numbers them: a writer holds the row until it commits."""

subscription_event = Table(
    "subscription_event",
    metadata,
    Column("key", BigInteger, primary_key=True, autoincrement=False),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("type", SmallInteger, nullable=False),
    Column("id", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("method", Text, nullable=False),
    Column("occurred", TIMESTAMP(timezone=True), nullable=False),
    Index("subscription_event_occurred", "occurred"),
)
"""The outbox: each event of each Subscription, written in the transaction that caused it."""

subscription_delivery = Table(
    "subscription_delivery",
    metadata,
    Column("key", BigInteger, primary_key=True, autoincrement=False),
    Column("generation", Integer, nullable=False),
    Column("greeted", Boolean, nullable=False),
    Column("delivered", BigInteger, nullable=False, server_default=text("0")),
    Column("due", TIMESTAMP(timezone=True), nullable=False, server_default=text("now()")),
    Column("heartbeat", TIMESTAMP(timezone=True)),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("failing_since", TIMESTAMP(timezone=True)),
    Column("error", Text),
)
"""How far delivery has come. `generation` is the version whose channel is in use; `heartbeat` when the
next is due. Writers of resources never touch it.
"""
