"""Which messages of the journal are meant: the filter that lists, replays and dry runs share."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg import sql
from psycopg.types.json import Jsonb

from ingest.journal.record import State


@dataclass(frozen=True, slots=True)
class Selection:
    """A filter: None and empty do not narrow.

    Shape: `since` and `until` bound the time of receipt, `until` excluded; `reason` is the id of an
    issue.
    """

    ids: Sequence[int] = ()
    states: Sequence[State] = ()
    centre: str | None = None
    type: str | None = None
    reason: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    @property
    def is_open(self) -> bool:
        """Whether nothing narrows it: the whole journal is meant."""
        narrowed = (self.ids, self.centre, self.type, self.reason, self.since, self.until)
        return not any(part for part in narrowed)

    def condition(self) -> sql.Composed:
        """The condition on `ingest_message`; `parameters` belong to it."""
        parts = [sql.SQL("true")]
        if self.ids:
            parts.append(sql.SQL("ingest_message.id = ANY(%(ids)s)"))
        if self.states:
            parts.append(sql.SQL("ingest_message.state = ANY(%(states)s)"))
            if "stored" not in self.states:
                # Said once more, so that the planner sees that the partial index covers the question.
                parts.append(sql.SQL("ingest_message.state <> 'stored'"))
        if self.centre is not None:
            parts.append(sql.SQL("ingest_message.centre = %(centre)s"))
        if self.type is not None:
            parts.append(sql.SQL("ingest_message.type = %(type)s"))
        if self.reason is not None:
            parts.append(sql.SQL("ingest_message.issues @> %(reason_issue)s::jsonb"))
        if self.since is not None:
            parts.append(sql.SQL("ingest_message.received >= %(since)s"))
        if self.until is not None:
            parts.append(sql.SQL("ingest_message.received < %(until)s"))
        return sql.SQL(" AND ").join(parts)

    def parameters(self) -> dict[str, Any]:
        """The values of the condition."""
        return {
            "ids": list(self.ids),
            "states": list(self.states),
            "centre": self.centre,
            "type": self.type,
            "reason_issue": Jsonb([{"id": self.reason}]),
            "since": self.since,
            "until": self.until,
        }
