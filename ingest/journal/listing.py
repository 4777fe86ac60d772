"""The journal for people: lists and single messages, without their content.

Everything told here is about the message, never from its patient: the raw bytes stay in the table.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from ingest.journal.record import State

LARGEST_PAGE = 500

_COLUMNS = (
    "id, received, state, centre, application, facility, type, control_id, connection,"
    " octet_length(raw) AS size, encode(hash, 'hex') AS sha256, issues, resources, attempts,"
    " processed, ack"
)


@dataclass(frozen=True, slots=True)
class JournalFilter:
    """Which messages to list: None does not narrow.

    Shape: `before` is the id that the page ends before, newest first.
    """

    states: Sequence[State] = ()
    centre: str | None = None
    type: str | None = None
    reason: str | None = None
    before: int | None = None
    count: int = 50


def list_messages(
    connection: psycopg.Connection[Any], wanted: JournalFilter
) -> list[dict[str, Any]]:
    """A page of messages, newest first. Cost: walks the ids downwards; open states have their index."""
    conditions = [sql.SQL("true")]
    if wanted.states:
        conditions.append(sql.SQL("state = ANY(%(states)s)"))
        if "stored" not in wanted.states:
            # Said once more, so that the planner sees that the partial index covers the question.
            conditions.append(sql.SQL("state <> 'stored'"))
    if wanted.centre is not None:
        conditions.append(sql.SQL("centre = %(centre)s"))
    if wanted.type is not None:
        conditions.append(sql.SQL("type = %(type)s"))
    if wanted.reason is not None:
        conditions.append(
            sql.SQL("issues @> jsonb_build_array(jsonb_build_object('id', %(reason)s::text))")
        )
    if wanted.before is not None:
        conditions.append(sql.SQL("id < %(before)s"))
    statement = sql.SQL(
        "SELECT {} FROM ingest_message WHERE {} ORDER BY id DESC LIMIT %(count)s"
    ).format(sql.SQL(_COLUMNS), sql.SQL(" AND ").join(conditions))
    parameters = {
        "states": list(wanted.states),
        "centre": wanted.centre,
        "type": wanted.type,
        "reason": wanted.reason,
        "before": wanted.before,
        "count": wanted.count,
    }
    with connection.cursor(row_factory=dict_row) as cursor:
        return [_told(row) for row in cursor.execute(statement, parameters).fetchall()]


def find_message(connection: psycopg.Connection[Any], message_id: int) -> dict[str, Any] | None:
    """One message by its id; None where there is none."""
    with connection.cursor(row_factory=dict_row) as cursor:
        statement = sql.SQL("SELECT {} FROM ingest_message WHERE id = %s").format(sql.SQL(_COLUMNS))
        row = cursor.execute(statement, (message_id,)).fetchone()
        return _told(row) if row else None


def _told(row: dict[str, Any]) -> dict[str, Any]:
    """The row with the code of its answer (MSA-1) instead of the answer."""
    ack = row.pop("ack")
    begin = ack.find(b"\rMSA") if ack else -1
    return {**row, "ack_code": ack[begin + 5 : begin + 7].decode("latin-1") if begin >= 0 else None}
