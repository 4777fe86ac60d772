"""What a worker has in hand, written down and committed before it works on it.

A worker that is killed, by the system for want of memory or by a fault below Python, writes nothing more.
What it left written down tells its successors which messages it had: they take these one by one, and the
one that ends them again is held (`MOST_DEATHS`). So it is with a message that breaks its connection to the
database (`MOST_BREAKS`), and with one that takes more than its time.
"""

from collections.abc import Iterable, Sequence

import psycopg

from fhir_server.model.issues import Issue, error
from fhir_server.store.database import Database
from ingest.worker.queue import Claim, Connection
from ingest.worker.time_limit import NO_LIMIT, Limit

MOST_DEATHS = 3
"""After so many attempts that ended without a result the message is held, not tried again."""

MOST_BREAKS = 4
"""After so many connections that broke under it the message is held. Between two attempts at it alone lies a
pause, which grows: a database that comes and goes does not use them up."""

# What the system forgets if it breaks down at this moment is one attempt more: nobody waits for the disk.
_BEGIN = """
INSERT INTO ingest_attempt AS attempt (sender, id)
SELECT claimed.sender, claimed.id
FROM (SELECT set_config('synchronous_commit', 'off', true)) AS soon,
    unnest(%s::bigint[], %s::bigint[]) AS claimed (sender, id)
ORDER BY claimed.sender, claimed.id
ON CONFLICT (sender, id) DO UPDATE SET begun = attempt.begun + 1
"""

_END = """
DELETE FROM ingest_attempt AS attempt USING unnest(%s::bigint[], %s::bigint[]) AS done (sender, id)
WHERE attempt.sender = done.sender AND attempt.id = done.id
"""

_BREAK = """
WITH broken AS (
    UPDATE ingest_attempt AS attempt SET begun = begun - 1, broken = broken + 1
    FROM unnest(%(sender)s::bigint[], %(id)s::bigint[]) AS begun (sender, id)
    WHERE attempt.sender = begun.sender AND attempt.id = begun.id
    RETURNING attempt.sender, attempt.id, broken
)
UPDATE ingest_queue AS queue SET due = now() + make_interval(secs => 4 ^ broken.broken)
FROM broken
WHERE %(alone)s AND broken.broken < %(most)s AND queue.sender = broken.sender AND queue.id = broken.id
"""

_OVERDUE = "UPDATE ingest_attempt SET overdue = overdue + 1 WHERE sender = %s AND id = %s"
_CONNECT_TIMEOUT_S = 5


def reason_to_hold(claimed: Claim) -> Issue | None:
    """Why a message is not tried again, if its attempts tell so."""
    if claimed.overdue:
        return error("ingest-message-overdue", "timeout")
    if claimed.begun >= MOST_DEATHS:
        return error("ingest-worker-ended", "exception", times=str(claimed.begun))
    if claimed.broken >= MOST_BREAKS:
        return error("ingest-connection-broken", "exception", times=str(claimed.broken))
    return None


class InHand:
    """The messages of the claim that a worker works on now.

    Shape: `limit` bounds the time from one beginning to the next.
    Cost: a statement whose commit waits for no disk for each group, one more at the end of the claim.
    """

    def __init__(self, limit: Limit = NO_LIMIT) -> None:
        self._claims: set[Claim] = set()
        self._now: Sequence[Claim] = ()
        self._limit = limit

    def begin(self, database: Database, claims: Sequence[Claim]) -> None:
        """Write down that work on these begins, apart from the claim, which is rolled back at a death."""
        self._now = ()
        new = [claimed for claimed in claims if claimed not in self._claims]
        if new:
            with database.connection() as connection:
                connection.execute(_BEGIN, _columns(new))
            self._claims.update(new)
        self._now = claims
        self._limit.begin()

    def end(self, connection: Connection, settled: Iterable[Claim] = ()) -> None:
        """What is in hand and these came to a result, or the worker lives to say so: no fault of theirs."""
        self._limit.end()
        self._forget(connection, self._claims.union(settled))

    def pause(self) -> None:
        """The worker waits for a database that is away: no time of what is in hand."""
        self._limit.end()

    def broke(self, connection: Connection) -> None:
        """What was worked on last lost its connection to a database that was there: that may be its fault.

        Shape: each of a group is tried alone next, one that was alone after a pause.
        """
        self._limit.end()
        sender, number = _columns(self._now)
        alone = len(self._now) == 1
        connection.execute(
            _BREAK, {"sender": sender, "id": number, "alone": alone, "most": MOST_BREAKS}
        )
        self._forget(connection, self._claims.difference(self._now))

    def note_overdue(self, url: str) -> None:
        """Write down that what is worked on now has used up its time.

        Shape: a group gets no blame, since nobody knows whose fault it is: its messages are tried one by
        one. By a connection of its own, since the others are in the midst of something.
        """
        if len(self._now) == 1:
            with psycopg.connect(
                url,
                autocommit=True,
                connect_timeout=_CONNECT_TIMEOUT_S,
                options=f"-c statement_timeout={_CONNECT_TIMEOUT_S}s",
            ) as connection:
                connection.execute(_OVERDUE, (self._now[0].sender, self._now[0].id))

    def _forget(self, connection: Connection, done: set[Claim]) -> None:
        if done:
            connection.execute(_END, _columns([*done]))
        self._claims.clear()
        self._now = ()


def _columns(claims: Sequence[Claim]) -> tuple[list[int], list[int]]:
    return [claimed.sender for claimed in claims], [claimed.id for claimed in claims]
