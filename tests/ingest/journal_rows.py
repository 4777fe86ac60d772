"""What stands in the journal, for tests."""

from typing import Any

from psycopg.rows import dict_row

from fhir_server.store.database import Database


def rows(database: Database) -> list[dict[str, Any]]:
    """All messages in the order of arrival."""
    with database.connection() as connection, connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute("SELECT * FROM ingest_message ORDER BY id").fetchall()


def queued(database: Database) -> list[int]:
    """The ids of the messages that wait for a worker."""
    with database.connection() as connection:
        found = connection.execute("SELECT id FROM ingest_queue ORDER BY id").fetchall()
    return [row[0] for row in found]


def issue_ids(row: dict[str, Any]) -> list[str]:
    """The ids of a message's issues."""
    return [issue["id"] for issue in row["issues"]]
