"""The tables. `docs/architecture.md` explains them; migrations make them.

Every primary key starts with `key`, the column by which a distributed PostgreSQL would shard. No table
refers to another by a foreign key: rows that belong together share the key and are written together. The
search tables have no primary key, only a narrow index on `key`: whoever writes their rows holds the row of
the resource.
"""

from typing import LiteralString

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Numeric,
    Sequence,
    SmallInteger,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, BIT, JSONB, TIMESTAMP, TSVECTOR, UUID

metadata = MetaData()

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
    Index("resource_tokens", "tokens", text("(ARRAY[sequence >> 10])"), postgresql_using="gin"),
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

search_date = Table(
    "search_date",
    metadata,
    Column("key", BigInteger, nullable=False),
    Column("parameter", BigInteger, nullable=False),
    Column("low", BigInteger, nullable=False),
    Column("high", BigInteger, nullable=False),
    Index("search_date_key", "key"),
    Index("search_date_low", "parameter", "low", "high", "key"),
    Index("search_date_high", "parameter", "high", "low", "key"),
)
"""Microseconds since 1970 (UTC): the first and the last instant that a partial date covers."""

WIDE: LiteralString = "low = '-Infinity'::numeric OR high - low > abs(low) * 0.25 + 1"
"""Ranges of numbers and quantities that the index of lower limits does not find by their upper limit."""

search_number = Table(
    "search_number",
    metadata,
    Column("key", BigInteger, nullable=False),
    Column("parameter", BigInteger, nullable=False),
    Column("low", Numeric, nullable=False),
    Column("high", Numeric, nullable=False),
    Index("search_number_key", "key"),
    Index("search_number_low", "parameter", "low", "high", "key"),
    Index("search_number_wide", "parameter", "high", postgresql_where=text(WIDE)),
)
"""The range a number's implicit precision covers."""

search_quantity = Table(
    "search_quantity",
    metadata,
    Column("key", BigInteger, nullable=False),
    Column("parameter", BigInteger, nullable=False),
    Column("unit", BigInteger, nullable=False),
    Column("low", Numeric, nullable=False),
    Column("high", Numeric, nullable=False),
    Index("search_quantity_key", "key"),
    Index("search_quantity_low", "parameter", "unit", "low", "high", "key"),
    Index("search_quantity_wide", "parameter", "unit", "high", postgresql_where=text(WIDE)),
)
"""As `search_number`, per unit; `unit` is the hash of the unit's system and code."""

search_string = Table(
    "search_string",
    metadata,
    Column("key", BigInteger, nullable=False),
    Column("parameter", BigInteger, nullable=False),
    # By code point: one index serves prefixes and order. Folded strings have no accents left to place.
    Column("value", Text(collation="C"), nullable=False),
    Column("in_parts", Boolean, nullable=False, server_default=text("true")),
    Index("search_string_key", "key"),
    Index("search_string_value", "parameter", "value"),
    # Left out where the database has no pg_trgm.
    Index(
        "search_string_trigrams",
        text("(ARRAY[parameter])"),
        "value",
        postgresql_using="gin",
        postgresql_ops={"value": "gin_trgm_ops"},
        postgresql_where=text("in_parts"),
    ),
)
"""Strings folded (case, accents, white space) for prefixes and sorting, cut to what an index holds;
`in_parts` those that are asked for in parts too.
"""

search_reference = Table(
    "search_reference",
    metadata,
    Column("key", BigInteger, nullable=False),
    Column("parameter", BigInteger, nullable=False),
    Column("target", BigInteger, nullable=False),
    Index("search_reference_key", "key"),
    Index("search_reference_target", "target", "parameter", "key"),
)
"""Edges from a resource to the resources it refers to: `target` is the key of the target."""

search_text = Table(
    "search_text",
    metadata,
    Column("key", BigInteger, primary_key=True, autoincrement=False),
    Column("words", TSVECTOR, nullable=False),
    Index("search_text_words", "words", postgresql_using="gin"),
)
"""The words of a resource, folded; those of its narrative once more, marked."""

search_code = Table(
    "search_code",
    metadata,
    Column("parameter", BigInteger, primary_key=True, autoincrement=False),
    Column("token", BigInteger, primary_key=True, autoincrement=False),
    Column("value", Text(collation="C"), nullable=False),
)
"""The code behind the token `=code` of a parameter, once for the whole store, for sorting by it. No
identifiers: their texts stand in `search_string` and go with their resource.
"""

token_block = Table(
    "token_block",
    metadata,
    Column("token", BigInteger, primary_key=True, autoincrement=False),
    Column("block", BigInteger, primary_key=True, autoincrement=False),
    Column("places", BIT(1024), nullable=False),
)
"""Where the resources with a kept token stand: a bit for each place of a block, no row where none is set."""

kept_token = Table(
    "kept_token",
    metadata,
    Column("token", BigInteger, primary_key=True, autoincrement=False),
    Column("type", SmallInteger),
    Column("built", Boolean, nullable=False, server_default=text("false")),
    Column("since", TIMESTAMP(timezone=True), nullable=False, server_default=text("now()")),
)
"""The tokens that `token_block` holds, `built` once it does. A type stands under its number, which `type`
has too: no hash is that small.
"""

changed_block = Table("changed_block", metadata, Column("block", BigInteger, nullable=False))
"""The blocks of resources that were written since `token_block` was, once for each write."""

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

setup_step = Table(
    "setup_step",
    metadata,
    Column("name", Text, primary_key=True),
    Column("fingerprint", LargeBinary, nullable=False),
    Column("done", TIMESTAMP(timezone=True), nullable=False),
)
"""What was loaded at a start of the server: `fingerprint` is the SHA-256 of the Bundle."""

search_generation = Table(
    "search_generation",
    metadata,
    Column("id", SmallInteger, primary_key=True, autoincrement=False),
    Column("generation", UUID, nullable=False),
)
"""One row, once a SearchParameter was stored: another value with each change of one."""

search_gap = Table(
    "search_gap",
    metadata,
    Column("parameter", BigInteger, primary_key=True, autoincrement=False),
    Column("type", SmallInteger, nullable=False),
    Column("since", TIMESTAMP(timezone=True), nullable=False),
)
"""Search parameters that resources stored before `since` are not indexed by."""

reindex_job = Table(
    "reindex_job",
    metadata,
    Column("id", UUID, primary_key=True),
    Column("types", ARRAY(SmallInteger), nullable=False),
    Column("parameter", Text),
    Column("state", Text, nullable=False),
    Column("requested", TIMESTAMP(timezone=True), nullable=False),
    Column("started", TIMESTAMP(timezone=True)),
    Column("ended", TIMESTAMP(timezone=True)),
    Column("bound", BigInteger, nullable=False, server_default=text("0")),
    Column("position", SmallInteger, nullable=False, server_default=text("0")),
    Column("sequence", BigInteger, nullable=False, server_default=text("0")),
    Column("total", BigInteger),
    Column("processed", BigInteger, nullable=False, server_default=text("0")),
    Column("changed", BigInteger, nullable=False, server_default=text("0")),
    Index("reindex_job_open", "requested", postgresql_where=text("ended IS NULL")),
)
"""Index rows made anew: resources of `types` up to the sequence `bound`. `position` (in `types`) and
`sequence` say how far it has come, in the transaction that wrote those rows.
"""

background_job = Table(
    "background_job",
    metadata,
    Column("id", UUID, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("asked", JSONB, nullable=False),
    Column("content", LargeBinary, nullable=False),
    Column("requested", TIMESTAMP(timezone=True), nullable=False),
    Column("started", TIMESTAMP(timezone=True)),
    Column("ended", TIMESTAMP(timezone=True)),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("total", BigInteger),
    Column("outcome", JSONB),
    Index("background_job_open", "requested", postgresql_where=text("ended IS NULL")),
    Index("background_job_ended", "ended"),
)
"""Work asked for and done by a process of its own. `kind` says what reads `asked` and `content`; `total`
how many parts it makes, where that is known; `outcome` what came of it. The process that works at a job
holds an advisory lock, so that its death frees the job.
"""

background_part = Table(
    "background_part",
    metadata,
    Column("job", UUID, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("name", Text, nullable=False),
    Column("content", LargeBinary, nullable=False),
)
"""What a job has made so far, piece by piece: a job that goes on after a kill does not make it again."""
