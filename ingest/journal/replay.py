"""Replaying messages: they wait for a worker again, in the order in which they first arrived."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

from ingest.journal.record import CHANNEL, State
from ingest.journal.selection import Selection

REPLAYABLE: tuple[State, ...] = ("stored", "held", "ignored")
"""States that a replay takes where none are named. A message answered with AE is its sender's to mend; it is
replayed only where a person names that state."""

KEPT_ISSUES = ("ingest-control-id-reused",)
"""What the reception found stays; what the worker found is found anew."""

# A queue row beside a settled message means that its worker has not let go of it yet. What was cut off or not
# framed is no whole message, however well it can be read.
_REPLAYABLE = sql.SQL(
    "ingest_message.state = ANY(%(replayable)s)"
    " AND NOT EXISTS (SELECT FROM ingest_queue AS queue"
    "   WHERE queue.sender = ingest_message.sender AND queue.id = ingest_message.id)"
    " AND NOT ingest_message.issues @? '$[*].id ? (@ starts with \"mllp-\")'"
)

_COUNT = sql.SQL(
    "SELECT coalesce(centre, 'unknown'), state, count(*), min(received), max(received)"
    " FROM ingest_message WHERE {} AND {} GROUP BY 1, 2 ORDER BY 1, 2"
)

_REPLAY = sql.SQL("""
WITH again AS (
    UPDATE ingest_message
    SET state = 'received', attempts = 0, replays = replays + 1, processed = NULL,
        issues = (
            SELECT coalesce(jsonb_agg(issue), '[]') FROM jsonb_array_elements(issues) AS issue
            WHERE issue ->> 'id' = ANY(%(kept)s)
        )
    WHERE {} AND {}
    RETURNING sender, id, order_keys
), queued AS (
    INSERT INTO ingest_queue (sender, id, order_keys) SELECT sender, id, order_keys FROM again
)
SELECT count(*), pg_notify(%(channel)s, '') FROM again
""")


@dataclass(frozen=True, slots=True)
class ReplayCount:
    """How many messages of a centre in a state a replay takes, and the times of receipt they span."""

    centre: str
    state: State
    messages: int
    first: Any
    last: Any


def count_replayable(
    connection: psycopg.Connection[Any], wanted: Selection
) -> Sequence[ReplayCount]:
    """What `replay` would take: the dry run."""
    statement = _COUNT.format(wanted.condition(), _REPLAYABLE)
    return [ReplayCount(*row) for row in connection.execute(statement, _values(wanted)).fetchall()]


def replay(connection: psycopg.Connection[Any], wanted: Selection) -> int:
    """Have messages worked off again; how many. Each keeps its id, and so its place in the order."""
    row = connection.execute(_REPLAY.format(wanted.condition(), _REPLAYABLE), _values(wanted))
    found = row.fetchone()
    return int(found[0]) if found else 0


def _values(wanted: Selection) -> dict[str, Any]:
    states = [state for state in wanted.states if state not in {"received", "replayed"}]
    return {
        **wanted.parameters(),
        "replayable": states if wanted.states else list(REPLAYABLE),
        "kept": list(KEPT_ISSUES),
        "channel": CHANNEL,
    }
