"""The queue as workers see it: claim, finish, put off.

A worker holds the locks of the rows it claimed until it has worked them off, in a transaction of its own
beside the one that stores the resources: if it dies, its locks go with it and the next worker claims the
rows at once. What had been stored by then is known from the journal's state, which was committed together
with the resources.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
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
SELECT queue.sender, queue.id
FROM ingest_queue AS queue
WHERE queue.due <= now() AND NOT EXISTS (
    SELECT FROM ingest_queue AS earlier
    WHERE earlier.id < queue.id AND earlier.order_keys && queue.order_keys
)
ORDER BY queue.id
LIMIT %s
FOR UPDATE OF queue SKIP LOCKED
"""

_READ = """
SELECT raw, application, facility, state, attempts FROM ingest_message WHERE sender = %s AND id = %s
"""

_SETTLE = """
UPDATE ingest_message
SET state = %(state)s, issues = issues || %(issues)s, resources = resources || %(resources)s::text[],
    centre = coalesce(%(centre)s, centre), attempts = attempts + 1, processed = now()
WHERE sender = %(sender)s AND id = %(id)s AND state = 'received'
"""


@dataclass(frozen=True, slots=True)
class Claim:
    """A message that this worker has for itself."""

    sender: int
    id: int


@dataclass(frozen=True, slots=True)
class Waiting:
    """The message of a claim as the journal has it."""

    raw: bytes
    application: str
    facility: str
    state: State
    attempts: int


class NotWaitingError(Exception):
    """The message is no longer to be worked off: another worker settled it."""


def claim(connection: Connection, most: int) -> list[Claim]:
    """Claim messages, oldest first; the caller's transaction holds them."""
    return [Claim(*row) for row in connection.execute(_CLAIM, (most,)).fetchall()]


def read(connection: Connection, claimed: Claim) -> Waiting | None:
    """The message itself; None where it is gone."""
    row = connection.execute(_READ, (claimed.sender, claimed.id)).fetchone()
    return Waiting(*row) if row else None


def settle(
    connection: Connection,
    claimed: Claim,
    state: State,
    *,
    issues: Sequence[Issue] = (),
    resources: Sequence[str] = (),
    centre: str | None = None,
) -> None:
    """Write down what became of a message, in the caller's transaction.

    Errors: NotWaitingError where it was settled before; the caller's transaction must not commit then.
    """
    done = connection.execute(
        _SETTLE,
        {
            "state": state,
            "issues": Jsonb(issues_to_json(issues)),
            "resources": list(resources),
            "centre": centre,
            "sender": claimed.sender,
            "id": claimed.id,
        },
    )
    if done.rowcount != 1:
        raise NotWaitingError


def finish(connection: Connection, claimed: Claim) -> None:
    """Take a settled message off the queue."""
    connection.execute(
        "DELETE FROM ingest_queue WHERE sender = %s AND id = %s", (claimed.sender, claimed.id)
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
