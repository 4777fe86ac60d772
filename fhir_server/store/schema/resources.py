"""Resources as they are stored: the current, those superseded, those inside of others; answers of
transactions.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    Sequence,
    SmallInteger,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, TIMESTAMP

from fhir_server.store.blocks import BLOCK
from fhir_server.store.schema.tables import metadata

resource_sequence = Sequence("resource_sequence", metadata=metadata, cache=100)
"""Gives each resource its place in the default order, once, at its first version."""

resource = Table(
    "resource",
    metadata,
    Column("key", BigInteger, primary_key=True, autoincrement=False),
    Column("type", SmallInteger, nullable=False),
    Column("id", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("updated", TIMESTAMP(timezone=True), nullable=False),
    Column("sequence", BigInteger, nullable=False, server_default=resource_sequence.next_value()),
    Column("deleted", Boolean, nullable=False),
    Column("body", LargeBinary),
    Column("tokens", ARRAY(BigInteger), nullable=False),
    Column("origin", SmallInteger, nullable=False, server_default=text("0")),
    Index("resource_type_sequence", "type", "sequence", postgresql_where=text("NOT deleted")),
    Index("resource_type_updated", "type", "updated", "key"),
    # The block of places in the order of storing, beside the tokens.
    Index("resource_tokens", "tokens", text("(ARRAY[" + BLOCK + "])"), postgresql_using="gin"),
)
"""The current version of each resource; `body` is null and `tokens` empty once deleted. `origin` says which
interaction made it, where its number does not.
"""

resource_history = Table(
    "resource_history",
    metadata,
    Column("key", BigInteger, primary_key=True, autoincrement=False),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("type", SmallInteger, nullable=False),
    Column("id", Text, nullable=False),
    Column("updated", TIMESTAMP(timezone=True), nullable=False),
    Column("superseded", TIMESTAMP(timezone=True), nullable=False),
    Column("deleted", Boolean, nullable=False),
    Column("body", LargeBinary),
    Column("origin", SmallInteger, nullable=False, server_default=text("0")),
    Index("resource_history_type_updated", "type", "updated", "key", "version"),
)
"""Each superseded version: it was current from `updated` until `superseded`."""

contained_resource = Table(
    "contained_resource",
    metadata,
    Column("key", BigInteger, primary_key=True, autoincrement=False),
    Column("container", BigInteger, nullable=False),
    Column("type", SmallInteger, nullable=False),
    Column("id", Text, nullable=False),
    Column("tokens", ARRAY(BigInteger), nullable=False),
    Index("contained_resource_container", "container"),
    Index("contained_resource_type", "type", "key"),
    Index("contained_resource_tokens", "tokens", postgresql_using="gin"),
)
"""Contained resources; `key` is the hash of the container's name and the contained id, under which their
index rows stand too. Their content stays in `resource.body` of the container.
"""

transaction_receipt = Table(
    "transaction_receipt",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
    Column("created", TIMESTAMP(timezone=True), nullable=False),
    Column("answer", LargeBinary, nullable=False),
    Index("transaction_receipt_created", "created"),
)
"""Answers of transactions with unconditional creates, by the SHA-256 of the Bundle."""
