"""The journal's writer: records that arrive at the same time are committed together.

While one batch is on its way to the disk the next one gathers, so the cost of a durable commit is shared
by all connections that wait for it, and no record waits for a timer.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import Any

import psycopg

from ingest.journal.append import append
from ingest.journal.record import Journalled, Record

MOST_RECORDS = 256
MOST_BYTES = 32 * 1024 * 1024
CONNECT_TIMEOUT_S = 3
STATEMENT_TIMEOUT_MS = 8_000
TIMEOUT_MS_PER_MB = 400
"""What is added for a large batch: a disk that writes less than 2.5 MB a second is not usable."""


class JournalUnavailableError(Exception):
    """The record could not be committed, or nobody knows whether it was."""


class JournalWriter:
    """Commits records in the order in which they were given.

    Shape: `run` works until it is cancelled; what `append` gives is done once the record is durable.
    Errors: JournalUnavailableError by the future; the next batch tries a new connection.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._connection: psycopg.AsyncConnection[Any] | None = None
        self._waiting: deque[tuple[Record, asyncio.Future[Journalled]]] = deque()
        self._arrived = asyncio.Event()

    def append(self, record: Record) -> asyncio.Future[Journalled]:
        """Commit a record; one whose future is cancelled before its turn is not.

        Cost: shares one transaction with all that arrive while one runs.
        """
        future: asyncio.Future[Journalled] = asyncio.get_running_loop().create_future()
        self._waiting.append((record, future))
        self._arrived.set()
        return future

    async def run(self) -> None:
        """Commit what arrives, batch by batch."""
        try:
            while True:
                await self._arrived.wait()
                batch = self._next_batch()
                if not self._waiting:
                    self._arrived.clear()
                if batch:
                    await self._commit(batch)
        finally:
            await self._close()
            for _, future in self._waiting:
                _fail(future)

    def _next_batch(self) -> list[tuple[Record, asyncio.Future[Journalled]]]:
        """What waits, up to a size, ending before a control id comes a second time.

        The second one has to see the first one's row to know itself for a duplicate.
        """
        batch: list[tuple[Record, asyncio.Future[Journalled]]] = []
        seen: set[tuple[int, str]] = set()
        size = 0
        while self._waiting and len(batch) < MOST_RECORDS:
            record, future = self._waiting[0]
            sent_as = (record.sender, record.control_id)
            if sent_as in seen or (batch and size + len(record.raw) > MOST_BYTES):
                break
            self._waiting.popleft()
            if future.cancelled():
                continue
            seen.add(sent_as)
            size += len(record.raw)
            batch.append((record, future))
        return batch

    async def _commit(self, batch: list[tuple[Record, asyncio.Future[Journalled]]]) -> None:
        records = [record for record, _ in batch]
        try:
            connection = await self._connected()
            results = await append(connection, records, _timeout_ms(records))
        except psycopg.DataError:
            # One record that the database cannot hold must not take the others with it.
            if len(batch) > 1:
                for one in batch:
                    await self._commit([one])
                return
            _fail(batch[0][1])
            return
        except psycopg.Error:
            await self._close()
            for _, future in batch:
                _fail(future)
            return
        for (_, future), result in zip(batch, results, strict=True):
            if not future.done():
                future.set_result(result)

    async def _connected(self) -> psycopg.AsyncConnection[Any]:
        if self._connection is None or self._connection.closed:
            self._connection = await psycopg.AsyncConnection.connect(
                self._url,
                autocommit=True,
                connect_timeout=CONNECT_TIMEOUT_S,
                application_name="osteon journal",
                options=f"-c statement_timeout={STATEMENT_TIMEOUT_MS} -c timezone=UTC",
            )
        return self._connection

    async def _close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()


def _timeout_ms(records: Sequence[Record]) -> int | None:
    """The time that a batch may take, where it is more than usual."""
    megabytes = sum(len(record.raw) for record in records) // 1_000_000
    return STATEMENT_TIMEOUT_MS + megabytes * TIMEOUT_MS_PER_MB if megabytes else None


def _fail(future: asyncio.Future[Journalled]) -> None:
    if not future.done():
        future.set_exception(JournalUnavailableError())
