"""What a worker has in hand, written down and committed before it works on it.

A worker that is killed, by the system for want of memory or by a fault below Python, writes nothing more.
What it left written down tells its successors which messages it had: they take these one by one, and the
one that ends them again is held (`MOST_DEATHS`).
"""

from collections.abc import Iterable, Sequence

from fhir_server.store.database import Database
from ingest.worker.queue import Claim, Connection

MOST_DEATHS = 3
"""After so many attempts that ended without a result the message is held, not tried again."""

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


class InHand:
    """The messages of the claim that a worker works on now.

    Cost: a statement whose commit waits for no disk for each group, one more at the end of the claim.
    """

    def __init__(self) -> None:
        self._claims: set[Claim] = set()

    def begin(self, database: Database, claims: Sequence[Claim]) -> None:
        """Write down that work on these begins, apart from the claim, which is rolled back at a death."""
        new = [claimed for claimed in claims if claimed not in self._claims]
        if new:
            with database.connection() as connection:
                connection.execute(_BEGIN, _columns(new))
            self._claims.update(new)

    def end(self, connection: Connection, settled: Iterable[Claim] = ()) -> None:
        """What is in hand and these came to a result, or the worker lives to say so: no fault of theirs."""
        done = self._claims.union(settled)
        if done:
            connection.execute(_END, _columns([*done]))
            self._claims.clear()


def _columns(claims: Sequence[Claim]) -> tuple[list[int], list[int]]:
    return [claimed.sender for claimed in claims], [claimed.id for claimed in claims]
