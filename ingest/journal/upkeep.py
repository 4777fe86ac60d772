"""What keeps the journal small: summing the tally up, and taking out messages past their retention."""

from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg

from ingest.journal.statistics import HABIT

AT_ONCE = 500
"""Messages deleted by one transaction."""

_LOCK = "SELECT pg_try_advisory_xact_lock(hashtextextended('osteon ingest upkeep', 0))"
# Hours beyond the habit of a centre are told apart no more: they are summed up at the beginning of time.
_SUM_UP = """
WITH taken AS (
    DELETE FROM ingest_tally RETURNING centre, state, hour, messages
)
INSERT INTO ingest_tally (centre, state, hour, messages)
SELECT centre, state, CASE WHEN hour < %s THEN 'epoch'::timestamptz ELSE hour END, sum(messages)
FROM taken GROUP BY 1, 2, 3 HAVING sum(messages) <> 0
"""
_EXPIRE = """
DELETE FROM ingest_message WHERE (sender, id) IN (
    SELECT sender, id FROM ingest_message AS old
    WHERE received < %s AND state IN ('stored', 'ignored', 'rejected', 'replayed')
        AND NOT EXISTS (SELECT FROM ingest_queue WHERE ingest_queue.id = old.id)
    ORDER BY id LIMIT %s
)
"""


def sum_up_tally(connection: psycopg.Connection[Any], now: datetime | None = None) -> None:
    """Make one row of the tally per centre, state and hour; where another process does, leave it to it."""
    edge = (now or datetime.now(UTC)) - HABIT - timedelta(days=1)
    with connection.transaction():
        locked = connection.execute(_LOCK).fetchone()
        if locked and locked[0]:
            connection.execute(_SUM_UP, (edge,))


def expire_messages(
    connection: psycopg.Connection[Any], retention_days: int, now: datetime | None = None
) -> int:
    """Delete settled messages that are older than the retention; how many.

    Shape: those held or waiting stay, however old. 0 days: nothing is ever deleted.
    """
    if not retention_days:
        return 0
    edge = (now or datetime.now(UTC)) - timedelta(days=retention_days)
    deleted = 0
    while True:
        done = connection.execute(_EXPIRE, (edge, AT_ONCE)).rowcount
        deleted += done
        if done < AT_ONCE:
            return deleted
