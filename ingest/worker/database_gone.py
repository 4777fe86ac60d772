"""Telling a database that is away from one that refuses: only the former is nobody's message's fault.

Source: PostgreSQL, appendix A (error codes): class 08 connection, 53 resources (disk full, too many
connections), 57P operator intervention (shutdown).
"""

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
