"""The journal of HL7 v2 messages, and what workers have of it in hand."""

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, Sequence, Table, Text, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TIMESTAMP

from fhir_server.store.schema.tables import metadata

ingest_message_sequence = Sequence("ingest_message_sequence", metadata=metadata)
"""Gives each HL7 v2 message its place in the order of arrival."""

ingest_message = Table(
    "ingest_message",
    metadata,
    Column("sender", BigInteger, primary_key=True, autoincrement=False),
    Column(
        "id",
        BigInteger,
        primary_key=True,
        autoincrement=False,
        server_default=ingest_message_sequence.next_value(),
    ),
    Column("hash", LargeBinary, nullable=False),
    Column("control_id", Text, nullable=False),
    Column("application", Text, nullable=False),
    Column("facility", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("centre", Text),
    Column("connection", Text, nullable=False),
    Column("received", TIMESTAMP(timezone=True), nullable=False),
    Column("raw", LargeBinary, nullable=False),
    Column("ack", LargeBinary),
    Column("order_keys", ARRAY(BigInteger), nullable=False),
    Column("state", Text, nullable=False),
    Column("issues", JSONB, nullable=False),
    Column("resources", ARRAY(Text), nullable=False, server_default=text("'{}'")),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("processed", TIMESTAMP(timezone=True)),
    Column("revises", BigInteger),
    Column("replays", Integer, nullable=False, server_default=text("0")),
    Index("ingest_message_sent", "sender", "control_id", "hash", unique=True),
    Index("ingest_message_id", "id"),
    Index("ingest_message_centre", "centre", "id"),
    Index("ingest_message_open", "state", "id", postgresql_where=text("state <> 'stored'")),
    Index("ingest_message_revises", "revises", postgresql_where=text("revises IS NOT NULL")),
    Index("ingest_message_received", "received", postgresql_using="brin"),
)
"""Every HL7 v2 message as received. `sender` is the hash of MSH-3 and MSH-4, `hash` the SHA-256 of `raw`,
which is stored as it is, not compressed (EXTERNAL); `revises` the message that this one corrects."""

ingest_tally = Table(
    "ingest_tally",
    metadata,
    Column("centre", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("hour", TIMESTAMP(timezone=True), nullable=False),
    Column("messages", BigInteger, nullable=False),
)
"""How many messages of each centre (empty: unknown) are in which state, by the hour of receipt: the sum of
the rows. Triggers on `ingest_message` add differences."""

ingest_queue = Table(
    "ingest_queue",
    metadata,
    Column("sender", BigInteger, primary_key=True, autoincrement=False),
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("order_keys", ARRAY(BigInteger), nullable=False),
    Column("due", TIMESTAMP(timezone=True), nullable=False, server_default=text("now()")),
    Index("ingest_queue_id", "id"),
)
"""The messages that wait for a worker; a worker locks the row while it works, so that its death frees it."""

ingest_attempt = Table(
    "ingest_attempt",
    metadata,
    Column("sender", BigInteger, primary_key=True, autoincrement=False),
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("begun", Integer, nullable=False, server_default=text("1")),
    Column("broken", Integer, nullable=False, server_default=text("0")),
    Column("overdue", Integer, nullable=False, server_default=text("0")),
)
"""What workers have in hand, committed before they work on it. A row that stays is of a worker that died, of
a connection that broke, or of a message that took too long."""
