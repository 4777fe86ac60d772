"""The journal for people: lists and single messages, without their content.

Everything told here is about the message, never from its patient: the raw bytes stay in the table.
"""

from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from ingest.journal.selection import Selection

LARGEST_PAGE = 500

_COLUMNS = (
    "id, received, state, centre, application, facility, type, control_id, connection,"
    " octet_length(raw) AS size, encode(hash, 'hex') AS sha256, issues, resources, attempts,"
    " processed, replays, revises,"
    " (SELECT max(later.id) FROM ingest_message AS later WHERE later.revises = ingest_message.id)"
    " AS revised_by, ack"
)


def list_messages(
    connection: psycopg.Connection[Any],
    wanted: Selection,
    *,
    before: int | None = None,
    count: int = 50,
) -> list[dict[str, Any]]:
    """A page of messages, newest first, ending before the id `before`.

    Cost: walks the ids downwards; open states have their index.
    """
    page = sql.SQL("" if before is None else " AND id < %(before)s")
    statement = sql.SQL(
        "SELECT {} FROM ingest_message WHERE {}{} ORDER BY id DESC LIMIT %(count)s"
    ).format(sql.SQL(_COLUMNS), wanted.condition(), page)
    parameters = {**wanted.parameters(), "before": before, "count": count}
    with connection.cursor(row_factory=dict_row) as cursor:
        return [_told(row) for row in cursor.execute(statement, parameters).fetchall()]


def find_message(connection: psycopg.Connection[Any], message_id: int) -> dict[str, Any] | None:
    """One message by its id; None where there is none."""
    found = list_messages(connection, Selection(ids=[message_id]), count=1)
    return found[0] if found else None


def _told(row: dict[str, Any]) -> dict[str, Any]:
    """The row with the code of its answer (MSA-1) instead of the answer."""
    ack = row.pop("ack")
    begin = ack.find(b"\rMSA") if ack else -1
    return {**row, "ack_code": ack[begin + 5 : begin + 7].decode("latin-1") if begin >= 0 else None}
