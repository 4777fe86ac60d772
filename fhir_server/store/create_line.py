"""A connection by which an event loop writes new resources, without a thread that waits.

psycopg's own ways to wait cost as much as the write. This one sends prepared statements in libpq's pipeline
mode and reads the answers when the loop says that there are some: one way to the database and back, which
is one transaction, since PostgreSQL commits at the end of a pipeline.

Source: https://www.postgresql.org/docs/current/libpq-pipeline-mode.html
"""

import asyncio
from collections.abc import Sequence

import psycopg
from psycopg import pq
from psycopg.pq.abc import PGresult

from fhir_server.store.database import Connection
from fhir_server.store.search_state import LOCK_BARRIER
from fhir_server.store.single_create import (
    Code,
    CreateOutcome,
    PreparedText,
    SingleCreate,
    create_outcome,
)

MOST_CODES = 100_000
"""How many codes it remembers having noted."""

_BARRIER = PreparedText(b"barrier", LOCK_BARRIER.encode())
_Status = pq.ExecStatus

Written = asyncio.Future[list[CreateOutcome] | None]
"""What comes of creates that are written together; None where all of them were rolled back."""


class CreateLine:
    """Belongs to one event loop, and writes for one caller at a time."""

    def __init__(self, connection: Connection, loop: asyncio.AbstractEventLoop) -> None:
        # Planned once for all: what is inserted does not change how.
        connection.execute("SET plan_cache_mode = force_generic_plan")
        self.loop = loop
        self._connection = connection
        self._libpq = connection.pgconn
        self._libpq.enter_pipeline_mode()
        self._socket = self._libpq.socket
        self._prepared: set[bytes] = set()
        self.known_codes: set[Code] = set()
        """Codes that it has noted: nobody removes them."""
        self._creates: Sequence[SingleCreate] = ()
        self._results: list[PGresult] = []
        self._written: Written | None = None
        self._late: asyncio.TimerHandle | None = None
        self.is_open = True
        """Whether it can be written by."""
        loop.add_reader(self._socket, self._read)

    def write(self, creates: Sequence[SingleCreate], seconds: float) -> Written:
        """Write new resources in one transaction, each if its own gate is open.

        Errors: psycopg.OperationalError where the connection is lost, TimeoutError where the time is over:
        nobody knows what was written.
        """
        self._written = written = self.loop.create_future()
        if not self.is_open:
            self._end()
            return written
        self._creates, self._results = creates, []
        self._late = self.loop.call_later(seconds, self._give_up)
        self._send(creates)
        return written

    def close(self) -> None:
        """Give the connection up; what waits for it fails."""
        if self.is_open:
            self.is_open = False
            # First of all: another connection may get the socket's number.
            if not self.loop.is_closed():
                self.loop.remove_reader(self._socket)
                self.loop.remove_writer(self._socket)
            self._connection.close()
        self._end(failure=psycopg.OperationalError("the connection was closed"))

    def _give_up(self) -> None:
        self._fail(TimeoutError())

    def _fail(self, failure: Exception) -> None:
        self._end(failure=failure)
        self.close()

    def _send(self, creates: Sequence[SingleCreate]) -> None:
        try:
            self._queue(_BARRIER, ())
            for create in creates:
                self._queue(create.statement, create.values)
            self._libpq.pipeline_sync()
        except Exception as failure:
            # Whatever it is: who waits must hear of it, and half a pipeline is of no use.
            self._fail(failure)
        else:
            self._flush()

    def _queue(self, statement: PreparedText, values: Sequence[bytes | None]) -> None:
        if statement.name not in self._prepared:
            self._libpq.send_prepare(statement.name, statement.text)
            self._prepared.add(statement.name)
        self._libpq.send_query_prepared(statement.name, values)

    def _flush(self) -> None:
        try:
            is_full = self._libpq.flush()
        except psycopg.OperationalError:
            self.close()
            return
        if is_full:
            self.loop.add_writer(self._socket, self._flush)
        else:
            self.loop.remove_writer(self._socket)

    def _read(self) -> None:
        try:
            self._libpq.consume_input()
            while self._written is not None and not self._libpq.is_busy():
                self._take(self._libpq.get_result())
        except Exception as failure:
            self._fail(failure)

    def _take(self, result: PGresult | None) -> None:
        if result is None:
            # So ends each statement; a connection that is lost gives nothing else.
            if self._libpq.status == pq.ConnStatus.BAD:
                raise psycopg.OperationalError("the connection was lost")
        elif result.status == _Status.PIPELINE_SYNC:
            outcomes = self._outcomes()
            self._end(outcomes)
            if outcomes is None:
                # What it has prepared is no longer known.
                self.close()
        else:
            self._results.append(result)

    def _outcomes(self) -> list[CreateOutcome] | None:
        if any(result.status not in _ANSWERED for result in self._results):
            return None
        rows = [result for result in self._results if result.status == _Status.TUPLES_OK]
        outcomes = [create_outcome((row.get_value(0, 0), row.get_value(0, 1))) for row in rows[1:]]
        for create, outcome in zip(self._creates, outcomes, strict=True):
            if outcome.is_written and len(self.known_codes) < MOST_CODES:
                self.known_codes.update(create.codes)
        return outcomes

    def _end(
        self, outcomes: list[CreateOutcome] | None = None, failure: Exception | None = None
    ) -> None:
        written, self._written = self._written, None
        if self._late is not None:
            self._late.cancel()
        if written is None or written.done():
            return
        if failure is None:
            written.set_result(outcomes)
        else:
            written.set_exception(failure)


_ANSWERED = frozenset({_Status.TUPLES_OK, _Status.COMMAND_OK})
