"""Records into the journal: one statement for a batch, whatever its size.

A record that was there before (same sender, control id and hash) is not written again; the answer it was
given then is given again, but to one whose way in speaks against the message: a stranger is refused, whatever
the centre was answered. One that was rejected then and can be read now, because it comes whole or because the
register has changed, takes the place of the rejected one. The same control id with other content is written,
with a warning.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from fhir_server.model.issues import warning
from ingest.journal.issue_json import issue_to_json, issues_to_json
from ingest.journal.record import CHANNEL, Journalled, Record

_APPEND = """
WITH incoming AS (
    SELECT * FROM unnest(
        %(sender)s::bigint[], %(hash)b::bytea[], %(control_id)s::text[], %(application)s::text[],
        %(facility)s::text[], %(type)s::text[], %(centre)s::text[], %(connection)s::text[],
        %(received)s::timestamptz[], %(raw)b::bytea[], %(ack)b::bytea[], %(order_keys)s::text[],
        %(state)s::text[], %(issues)s::jsonb[]
    ) WITH ORDINALITY AS incoming (
        sender, hash, control_id, application, facility, type, centre, connection,
        received, raw, ack, order_keys, state, issues, place
    )
), inserted AS (
    INSERT INTO ingest_message (
        sender, hash, control_id, application, facility, type, centre, connection,
        received, raw, ack, order_keys, state, issues
    )
    SELECT sender, hash, control_id, application, facility, type, centre, connection,
        received, raw, ack, order_keys::bigint[], state,
        CASE WHEN control_id <> '' AND EXISTS (
            SELECT FROM ingest_message AS earlier
            WHERE earlier.sender = incoming.sender AND earlier.control_id = incoming.control_id
                AND earlier.hash <> incoming.hash
                AND NOT earlier.issues @? '$[*].id ? (@ starts with "mllp-")'
        ) THEN issues || %(reused)s::jsonb ELSE issues END
    FROM incoming ORDER BY place
    ON CONFLICT (sender, control_id, hash) DO UPDATE
    SET type = EXCLUDED.type, centre = EXCLUDED.centre, connection = EXCLUDED.connection,
        received = EXCLUDED.received, ack = EXCLUDED.ack, order_keys = EXCLUDED.order_keys,
        state = EXCLUDED.state, issues = EXCLUDED.issues, attempts = 0, processed = NULL
    WHERE ingest_message.state = 'rejected' AND EXCLUDED.state = 'received'
        AND NOT EXISTS (
            SELECT FROM ingest_queue AS queue
            WHERE queue.sender = ingest_message.sender AND queue.id = ingest_message.id
        )
    RETURNING sender, id, hash, control_id, order_keys, state
), queued AS (
    INSERT INTO ingest_queue (sender, id, order_keys)
    SELECT sender, id, order_keys FROM inserted WHERE state = 'received'
)
SELECT sender, control_id, hash, id, pg_notify(%(channel)s, '')
FROM inserted
"""

_EARLIER = """
SELECT message.sender, message.control_id, message.hash, message.id, message.ack
FROM ingest_message AS message
JOIN unnest(%(sender)s::bigint[], %(control_id)s::text[], %(hash)b::bytea[])
    AS again (sender, control_id, hash) USING (sender, control_id, hash)
"""

_REUSED = Jsonb([issue_to_json(warning("ingest-control-id-reused", "duplicate", "MSH-10"))])

_TIMEOUT = "SELECT set_config('statement_timeout', %s, true)"

Identity = tuple[int, str, bytes]


def identity(record: Record) -> Identity:
    """What makes two records the same."""
    return record.sender, record.control_id, record.hash


async def append(
    connection: psycopg.AsyncConnection[Any],
    records: Sequence[Record],
    timeout_ms: int | None = None,
) -> list[Journalled]:
    """Write a batch in one transaction; it is durable when this returns.

    Shape: one result per record, in order. No two records of a batch may share sender and control id.
    `timeout_ms` for a statement, where it is not to be the connection's.
    Errors: psycopg.Error; then nothing of the batch is written, or, where the connection broke at the
    commit, all of it may be.
    """
    async with connection.transaction():
        if timeout_ms is not None:
            await connection.execute(_TIMEOUT, (f"{timeout_ms}ms",))
        cursor = await connection.execute(_APPEND, _columns(records))
        written = _written(await cursor.fetchall())
        again = [record for record in records if identity(record) not in written]
        earlier: dict[Identity, Journalled] = {}
        if again:
            cursor = await connection.execute(_EARLIER, _identities(again))
            earlier = _earlier(await cursor.fetchall())
    return _results(records, written, earlier)


def append_blocking(
    connection: psycopg.Connection[Any], records: Sequence[Record]
) -> list[Journalled]:
    """The same for code that runs in a thread: files and HTTP."""
    with connection.transaction():
        written = _written(connection.execute(_APPEND, _columns(records)).fetchall())
        again = [record for record in records if identity(record) not in written]
        earlier: dict[Identity, Journalled] = {}
        if again:
            earlier = _earlier(connection.execute(_EARLIER, _identities(again)).fetchall())
    return _results(records, written, earlier)


def _written(rows: Sequence[tuple[Any, ...]]) -> dict[Identity, int]:
    return {(row[0], row[1], bytes(row[2])): row[3] for row in rows}


def _earlier(rows: Sequence[tuple[Any, ...]]) -> dict[Identity, Journalled]:
    return {
        (row[0], row[1], bytes(row[2])): Journalled(row[3], row[4], duplicate=True) for row in rows
    }


def _results(
    records: Sequence[Record],
    written: Mapping[Identity, int],
    earlier: Mapping[Identity, Journalled],
) -> list[Journalled]:
    return [_result(record, written, earlier.get(identity(record))) for record in records]


def _result(
    record: Record, written: Mapping[Identity, int], earlier: Journalled | None
) -> Journalled:
    if earlier is None:
        return Journalled(written[identity(record)], record.ack, duplicate=False)
    if record.contradicted:
        return replace(earlier, ack=record.ack)
    # Nobody was answered when the first one was cut off, or when a person journalled it as a revision.
    return earlier if earlier.ack is not None else replace(earlier, ack=record.ack)


def _columns(records: Sequence[Record]) -> dict[str, Any]:
    plain = ("sender", "hash", "control_id", "application", "facility", "type", "centre",
             "connection", "received", "raw", "ack", "state")  # fmt: skip
    columns: dict[str, Any] = {
        name: [getattr(record, name) for record in records] for name in plain
    }
    columns["order_keys"] = [f"{{{','.join(map(str, record.order_keys))}}}" for record in records]
    columns["issues"] = [Jsonb(issues_to_json(record.issues)) for record in records]
    return {**columns, "reused": _REUSED, "channel": CHANNEL}


def _identities(records: Sequence[Record]) -> dict[str, Any]:
    return {
        name: [getattr(record, name) for record in records]
        for name in ("sender", "control_id", "hash")
    }
