"""The worklist: one item per reason for which messages are held, however many it holds.

An unmapped code of a centre is one item; once the centre's code map has it, all messages that it held are
replayed. So it is with a sender that the register did not know and a message type without a map.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from fhir_server.store.keys import hash64
from ingest.journal.replay import replay
from ingest.journal.selection import Selection

_ITEMS = """
SELECT centre,
    jsonb_strip_nulls(jsonb_build_object('id', issue -> 'id', 'parameters', issue -> 'parameters')),
    count(DISTINCT message.id), min(received), max(received), array_agg(DISTINCT message.type)
FROM ingest_message AS message, jsonb_array_elements(issues) AS issue
WHERE state = 'held' AND state <> 'stored' AND issue ->> 'severity' IN ('error', 'fatal')
GROUP BY 1, 2
ORDER BY count(DISTINCT message.id) DESC, min(received)
"""
_HELD_BY = """
SELECT id FROM ingest_message
WHERE state = 'held' AND state <> 'stored' AND issues @> %(issue)s
    AND centre IS NOT DISTINCT FROM %(centre)s AND (%(before)s::timestamptz IS NULL OR processed < %(before)s)
"""


@dataclass(frozen=True, slots=True)
class WorkItem:
    """A reason and the messages that it holds.

    Shape: `issue` as the journal keeps it, without the place in the message. `oldest` and `newest` are
    times of receipt.
    """

    centre: str | None
    issue: Mapping[str, Any]
    messages: int
    oldest: datetime
    newest: datetime
    types: Sequence[str]

    @property
    def reason(self) -> str:
        """The id of the issue."""
        return str(self.issue["id"])

    @property
    def parameters(self) -> Mapping[str, Any]:
        """Those of the issue: for an unmapped code its `table` and `local_code`."""
        found: Mapping[str, Any] = self.issue.get("parameters", {})
        return found

    @property
    def id(self) -> str:
        """Stable as long as the reason is the same."""
        named = sorted(self.parameters.items())
        return f"{hash64(f'{self.centre}|{self.reason}|{named}') % 2**64:016x}"


def list_work_items(connection: psycopg.Connection[Any]) -> list[WorkItem]:
    """All items, those that hold most first. Cost: reads the messages that are held."""
    return [WorkItem(*row) for row in connection.execute(_ITEMS).fetchall()]


def release(
    connection: psycopg.Connection[Any], item: WorkItem, *, before: datetime | None = None
) -> int:
    """Replay all messages that an item holds; how many. `before` leaves those held since then alone."""
    values = {"issue": Jsonb([item.issue]), "centre": item.centre, "before": before}
    ids = [row[0] for row in connection.execute(_HELD_BY, values).fetchall()]
    return replay(connection, Selection(ids=ids, states=["held"])) if ids else 0


def release_resolved(
    connection: psycopg.Connection[Any],
    is_resolved: Callable[[WorkItem], bool],
    *,
    before: datetime | None = None,
) -> int:
    """Replay what items held whose reason is gone; how many messages."""
    items = [item for item in list_work_items(connection) if is_resolved(item)]
    return sum(release(connection, item, before=before) for item in items)
