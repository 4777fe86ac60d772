"""The end of a request's time: what it still runs in the database is cancelled.

A request runs in a thread, which nobody can stop from outside; the database can be told to stop a
statement, and a thread that comes back for another connection is turned away.
"""

import contextlib
import threading
from collections.abc import Callable
from contextvars import ContextVar, copy_context
from typing import Any, TypeVar

import psycopg

CANCEL_TIMEOUT_S = 5.0

Result = TypeVar("Result")
Connection = psycopg.Connection[Any]


class DeadlineError(RuntimeError):
    """The time of the request is over."""


class Deadline:
    """The time of one request. Safe to be ended from another thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._in_use: set[Connection] = set()
        self.is_over = False

    def run(self, work: Callable[[], Result]) -> Result:
        """Do work whose connections this deadline watches. Errors: DeadlineError; those of the work."""
        if self.is_over:
            raise DeadlineError
        context = copy_context()
        context.run(current_deadline.set, self)
        return context.run(work)

    def enter(self, connection: Connection) -> None:
        """A connection begins to be used. Errors: DeadlineError."""
        with self._lock:
            if self.is_over:
                raise DeadlineError
            self._in_use.add(connection)

    def leave(self, connection: Connection) -> None:
        """A connection is no longer used; after the end it is closed, lest a late cancellation meet the
        statement of another request.
        """
        with self._lock:
            self._in_use.discard(connection)
            if self.is_over:
                connection.close()

    def end(self) -> None:
        """Cancel what is running."""
        with self._lock:
            self.is_over = True
            for connection in self._in_use:
                with contextlib.suppress(psycopg.Error):
                    connection.cancel_safe(timeout=CANCEL_TIMEOUT_S)


current_deadline: ContextVar[Deadline | None] = ContextVar("current_deadline", default=None)
"""The deadline of the request that this code runs for."""
