"""The queue as workers see it: claim, finish, put off.

A worker holds the locks of the rows it claimed until it has worked them off, in a transaction of its own
beside the one that stores the resources: if it dies, its locks go with it and the next worker claims the
rows at once. What had been stored by then is known from the journal's state, which was committed together
with the resources.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from fhir_server.model.issues import Issue
from ingest.journal.issue_json import issues_to_json
from ingest.journal.record import State

Connection = psycopg.Connection[Any]

# Order is kept per patient: nothing is claimed while an earlier message with one of its keys waits, is
# being worked off, or has been put off. SKIP LOCKED never waits for another worker.
_CLAIM = """
WITH ahead AS MATERIALIZED (
    SELECT sender, id, order_keys FROM ingest_queue ORDER BY id LIMIT %(window)s
), free AS (
    SELECT sender, id FROM (
        SELECT sender, id, id = min(id) OVER (PARTITION BY key) AS is_first
        FROM ahead, unnest(order_keys) AS key
    ) AS placed
    GROUP BY sender, id HAVING bool_and(is_first)
)
SELECT queue.sender, queue.id, coalesce(attempt.begun, 0), coalesce(attempt.broken, 0),
    coalesce(attempt.overdue, 0)
FROM free JOIN ingest_queue AS queue USING (sender, id)
    LEFT JOIN ingest_attempt AS attempt USING (sender, id)
WHERE queue.due <= now()
ORDER BY queue.id
LIMIT %(most)s
FOR UPDATE OF queue SKIP LOCKED
"""
_MORE = "SELECT FROM ingest_queue ORDER BY id OFFSET %s LIMIT 1"

WINDOWS = (250, 2_500, 25_000)
"""How far a claim looks along the queue: further where it finds too little that is free."""

_READ = """
SELECT octet_length(raw), application, facility, state, attempts FROM ingest_message
WHERE sender = %s AND id = %s
"""
_READ_PIECE = (
    "SELECT substring(raw FROM %s FOR %s) FROM ingest_message WHERE sender = %s AND id = %s"
)
_PIECE_BYTES = 4 * 1024 * 1024

# The length of a value is known without reading it.
_READ_SMALL = """
SELECT message.sender, message.id, raw, application, facility, state, attempts
FROM unnest(%s::bigint[], %s::bigint[]) AS claimed (sender, id)
JOIN ingest_message AS message USING (sender, id)
WHERE octet_length(raw) <= %s
"""

_SETTLE = """
UPDATE ingest_message AS message
SET state = settled.state, issues = message.issues || settled.issues,
    resources = message.resources || ARRAY(SELECT jsonb_array_elements_text(settled.resources)),
    centre = coalesce(settled.centre, message.centre), attempts = attempts + 1, processed = now()
FROM unnest(
    %(sender)s::bigint[], %(id)s::bigint[], %(state)s::text[], %(issues)s::jsonb[], %(resources)s::jsonb[],
    %(centre)s::text[]
) AS settled (sender, id, state, issues, resources, centre)
WHERE message.sender = settled.sender AND message.id = settled.id AND message.state = 'received'
"""


@dataclass(frozen=True, slots=True)
class Claim:
    """A message that this worker has for itself.

    Shape: of the attempts without a result, `begun` counts those whose worker ended, `broken` those that
    lost their connection to a database which was there, `overdue` those that used up their time.
    """

    sender: int
    id: int
    begun: int = field(default=0, compare=False)
    broken: int = field(default=0, compare=False)
    overdue: int = field(default=0, compare=False)

    @property
    def is_suspect(self) -> bool:
        """Whether an attempt had no result: the next is made apart from other messages."""
        return bool(self.begun or self.broken or self.overdue)


@dataclass(frozen=True, slots=True)
class Waiting:
    """The message of a claim as the journal has it.

    Shape: `read` gives its bytes; those of a large one are read from the journal each time, and by whoever
    asks for them held alone.
    """

    read: Callable[[], bytes]
    application: str
    facility: str
    state: State
    attempts: int
    is_large: bool = False


@dataclass(frozen=True, slots=True)
class Settlement:
    """What became of a message: its state, why, and the versions of resources that were written."""

    claim: Claim
    state: State
    issues: Sequence[Issue] = ()
    resources: Sequence[str] = ()
    centre: str | None = None


class NotWaitingError(Exception):
    """A message is no longer to be worked off: another worker settled it."""


def claim(connection: Connection, most: int) -> list[Claim]:
    """Claim messages, oldest first; the caller's transaction holds them.

    Cost: a statement, one or two more for each window in which less than `most` is free; a millisecond for
    the first window.
    """
    for window in (*WINDOWS, None):
        found = connection.execute(_CLAIM, {"window": window, "most": most}).fetchall()
        if len(found) == most or window is None:
            break
        if connection.execute(_MORE, (window,)).fetchone() is None:
            break
    return [Claim(*row) for row in found]


def read(connection: Connection, claimed: Claim) -> Waiting | None:
    """The message itself; None where it is gone.

    Cost: memory of the size of the message each time that its bytes are read; a connection that carried all
    of it in one answer would keep room for as much again.
    """
    row = connection.execute(_READ, (claimed.sender, claimed.id)).fetchone()
    if row is None:
        return None
    size_bytes, application, facility, state, attempts = row
    reading = partial(_read_pieces, connection, claimed, size_bytes)
    return Waiting(reading, application, facility, state, attempts, is_large=True)


def _read_pieces(connection: Connection, claimed: Claim, size_bytes: int) -> bytes:
    content = bytearray()
    for start in range(1, size_bytes + 1, _PIECE_BYTES):
        content += _piece(connection, claimed, start)
    return bytes(content)


def _piece(connection: Connection, claimed: Claim, start: int) -> bytes:
    found = connection.execute(
        _READ_PIECE, (start, _PIECE_BYTES, claimed.sender, claimed.id), binary=True
    ).fetchone()
    return found[0] if found else b""


def read_small(
    connection: Connection, claims: Sequence[Claim], most_bytes: int
) -> dict[Claim, Waiting]:
    """The messages of claims, without those that are larger."""
    columns = [claimed.sender for claimed in claims], [claimed.id for claimed in claims]
    rows = connection.execute(_READ_SMALL, (*columns, most_bytes), binary=True).fetchall()
    found = {Claim(*row[:2]): _small(*row[2:]) for row in rows}
    return {claimed: found[claimed] for claimed in claims if claimed in found}


def _small(raw: bytes, *more: Any) -> Waiting:
    return Waiting(lambda: raw, *more)


def settle(connection: Connection, settlements: Sequence[Settlement]) -> None:
    """Write down what became of messages, in the caller's transaction. Cost: one statement.

    Errors: NotWaitingError where one was settled before; the caller's transaction must not commit then.
    """
    done = connection.execute(
        _SETTLE,
        {
            "sender": [one.claim.sender for one in settlements],
            "id": [one.claim.id for one in settlements],
            "state": [one.state for one in settlements],
            "issues": [Jsonb(issues_to_json(one.issues)) for one in settlements],
            "resources": [Jsonb(list(one.resources)) for one in settlements],
            "centre": [one.centre for one in settlements],
        },
    )
    if done.rowcount != len(settlements):
        raise NotWaitingError


def finish(connection: Connection, claims: Sequence[Claim]) -> None:
    """Take settled messages off the queue."""
    connection.execute(
        "DELETE FROM ingest_queue AS queue USING unnest(%s::bigint[], %s::bigint[]) AS done (sender, id)"
        " WHERE queue.sender = done.sender AND queue.id = done.id",
        ([claimed.sender for claimed in claims], [claimed.id for claimed in claims]),
    )


def put_off(connection: Connection, claimed: Claim, pause: timedelta) -> None:
    """Try a message again later; those behind it wait with it."""
    connection.execute(
        "UPDATE ingest_queue SET due = now() + %s WHERE sender = %s AND id = %s",
        (pause, claimed.sender, claimed.id),
    )
    connection.execute(
        "UPDATE ingest_message SET attempts = attempts + 1 WHERE sender = %s AND id = %s",
        (claimed.sender, claimed.id),
    )
