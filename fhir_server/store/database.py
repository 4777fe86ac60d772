"""The way to PostgreSQL: a pool of psycopg connections, set up for this store.

Connections commit each statement by themselves; `transaction()` groups statements.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import TupleRow
from psycopg_pool import ConnectionPool, PoolTimeout

from fhir_server.operator_error import OperatorError
from fhir_server.settings import Settings
from fhir_server.settings.kinds import without_password
from fhir_server.store.clock import DatabaseClock
from fhir_server.store.deadline import current_deadline

OLDEST_SERVER_VERSION = 150_000
CONNECT_TIMEOUT_S = 5
Connection = psycopg.Connection[TupleRow]


class DatabaseUnavailableError(OperatorError):
    """The database cannot be reached or used; the message names it."""


class Database:
    """A pool of connections to one database.

    Shape: `transaction()` and `connection()` are context managers that give a psycopg connection with
    tuples as rows. The pool opens at the first use; a process that forks opens its own.
    Errors: DatabaseUnavailableError where no connection can be had.
    """

    def __init__(
        self,
        url: str,
        *,
        pool_size: int = 10,
        statement_timeout_s: float = 30.0,
        application_name: str = "osteon",
    ) -> None:
        self.url = url
        self._connect = _connection_arguments(url, statement_timeout_s, application_name)
        self.clock = DatabaseClock()
        self._apart: set[Connection] = set()
        self.pool: ConnectionPool[Connection] = ConnectionPool(
            kwargs=self._connect,
            min_size=1,
            max_size=pool_size,
            timeout=CONNECT_TIMEOUT_S,
            open=False,
            name=application_name,
        )

    @classmethod
    def from_settings(cls, url: str, settings: Settings) -> "Database":
        """The database at a URL with the limits that the settings give."""
        return cls(
            url,
            pool_size=settings.pool_size,
            statement_timeout_s=settings.statement_timeout_s,
        )

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """A connection inside a transaction: committed at the end, rolled back on an exception."""
        with self.connection() as connection, connection.transaction():
            yield connection

    @contextmanager
    def connection(self) -> Iterator[Connection]:
        """A connection on which each statement is its own transaction: one round trip for a read."""
        self.pool.open()
        try:
            connection = self.pool.getconn()
        except PoolTimeout:
            raise DatabaseUnavailableError(
                f"{without_password(self.url)}: no connection within {CONNECT_TIMEOUT_S} s"
            ) from None
        deadline = current_deadline.get()
        try:
            if deadline is not None:
                deadline.enter(connection)
            yield connection
        finally:
            if deadline is not None:
                deadline.leave(connection)
            self.pool.putconn(connection)

    def connect(self) -> Connection:
        """A connection outside the pool, set up alike; closed by whoever asked for it, or at the end.

        Errors: DatabaseUnavailableError, with the reason.
        """
        # A list is made at once: other threads ask for connections too.
        self._apart.difference_update([one for one in [*self._apart] if one.closed])
        try:
            connection: Connection = psycopg.connect(**self._connect)
        except psycopg.Error as error:
            reason = " ".join(str(error).split())
            name = without_password(self.url)
            raise DatabaseUnavailableError(f"{name} cannot be reached: {reason}") from None
        self._apart.add(connection)
        return connection

    def check(self) -> None:
        """Reach the database by a new connection. Errors: DatabaseUnavailableError, with the reason."""
        with self.connect() as connection:
            version = connection.info.server_version
        if version < OLDEST_SERVER_VERSION:
            raise DatabaseUnavailableError(
                f"{without_password(self.url)} is PostgreSQL {version // 10_000}; Osteon needs 15 or newer"
            )

    def close(self) -> None:
        """Close the pool's connections and those outside of it."""
        self.pool.close()
        for connection in [*self._apart]:
            connection.close()

    def __enter__(self) -> "Database":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def lone_connection(url: str, application_name: str, options: str = "") -> Connection:
    """A connection of its own, outside the pool, for a process that waits and claims work by it.

    Each statement is a transaction. Shape: `options` further `-c NAME=VALUE` of the session.
    """
    return psycopg.connect(
        url,
        autocommit=True,
        connect_timeout=5,
        application_name=application_name,
        options=f"-c timezone=UTC -c jit=off {options}".strip(),
    )


def _connection_arguments(
    url: str, statement_timeout_s: float, application_name: str
) -> dict[str, Any]:
    try:
        given = conninfo_to_dict(url)
    except psycopg.ProgrammingError as error:
        raise DatabaseUnavailableError(
            f"{without_password(url)} is no PostgreSQL URL: {str(error).strip()}"
        ) from None
    options = {
        # Generic plans ignore how common a searched value is; the array statistics are worth the planning.
        "plan_cache_mode": "force_custom_plan",
        "jit": "off",
        # Workers take some milliseconds to start, longer than nearly all statements last; they are for
        # those that read a large part of a large table.
        "parallel_setup_cost": "20000",
        "statement_timeout": f"{round(statement_timeout_s * 1000)}ms",
        "timezone": "UTC",
    }
    ours = " ".join(f"-c {name}={value}" for name, value in options.items())
    return {
        "connect_timeout": CONNECT_TIMEOUT_S,
        "application_name": application_name,
        **given,
        "options": f"{ours} {given.get('options') or ''}".strip(),
        "autocommit": True,
    }
