"""Telling a database that is away from one that refuses: only the former is nobody's message's fault.

Source: PostgreSQL, appendix A (error codes): class 08 connection, 53 resources (disk full, too many
connections), 57P operator intervention (shutdown).
"""

from typing import Any

import psycopg

from fhir_server.store.database import DatabaseUnavailableError

_CLASSES = ("08", "53", "57P")


def is_database_gone(error: BaseException) -> bool:
    """Whether the database as a whole cannot be used at the moment."""
    if isinstance(error, DatabaseUnavailableError):
        return True
    if not isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
        return False
    return error.sqlstate is None or error.sqlstate.startswith(_CLASSES)


def is_connection_broken(error: psycopg.Error, other: psycopg.Connection[Any]) -> bool:
    """Whether a connection to a database that was there is lost, to no purpose of its operator's.

    Shape: `other` is another connection to the same database. A server that ends says so on all of them;
    one whose process crashed under a statement says nothing on the connection of that statement.
    """
    if not isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
        return False
    if error.sqlstate is None:
        return True
    return error.sqlstate.startswith("57P") and not other.closed
