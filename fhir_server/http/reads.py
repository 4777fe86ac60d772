"""Reads by id, coalesced: those that arrive while one statement runs are answered by the next one.

A read does next to nothing but travel: to a thread, to the database and back. Requests that wait at the
same time travel together, so that many clients share the cost and a single one waits for nobody.
"""

import asyncio
from collections.abc import Sequence

from fhir_server.http.call import Call
from fhir_server.http.reply import Reply, resource_reply
from fhir_server.http.threads import InteractionThreads
from fhir_server.interactions.read import read_answer
from fhir_server.interactions.server import FhirServer
from fhir_server.interactions.writing.check import check_id
from fhir_server.store.keys import resource_key
from fhir_server.store.resources import StoredResource, read_resources

Waiting = tuple[int, asyncio.Future[StoredResource | None]]
"""The key that is asked for, and who waits for its row."""


class CoalescedReads:
    """The reads of one process. Belongs to one event loop."""

    def __init__(self, server: FhirServer, threads: InteractionThreads) -> None:
        self._server = server
        self._threads = threads
        self._waiting: list[Waiting] = []
        self._reading: asyncio.Task[None] | None = None

    def takes(self, interaction: str, call: Call) -> bool:
        """Whether this is a read whose answer is the stored bytes as they are."""
        return (
            interaction == "read"
            and not call.query
            # Our own OperationDefinitions stand in no table; a Binary may be sent as what it holds.
            and call.type not in {"OperationDefinition", "Binary"}
            and call.format == "json"
        )

    async def reply(self, call: Call) -> Reply:
        """The reply to a read. Errors: as `interactions.read`; Refused 503 or 504 as any interaction."""
        call.check_format()
        check_id(call.id, call.type)
        stored = await self._row(resource_key(call.type, call.id))
        return resource_reply(call, read_answer(stored, call.type, call.id))

    async def _row(self, key: int) -> StoredResource | None:
        future: asyncio.Future[StoredResource | None] = asyncio.get_running_loop().create_future()
        self._waiting.append((key, future))
        if self._reading is None:
            # A task of its own: whoever comes first must not wait for all who follow.
            self._reading = asyncio.create_task(self._read_waiting())
        return await future

    async def _read_waiting(self) -> None:
        """Read for all who wait, and for those who have come meanwhile, until nobody waits."""
        try:
            while self._waiting:
                await asyncio.sleep(0)
                await asyncio.sleep(0)
                batch, self._waiting = self._waiting, []
                await self._read(batch)
        finally:
            self._reading = None

    async def _read(self, batch: Sequence[Waiting]) -> None:
        try:
            rows = await self._threads.run(lambda: self._rows([key for key, _ in batch]))
        except Exception as failure:
            for _, future in batch:
                if not future.done():
                    future.set_exception(failure)
            return
        for key, future in batch:
            if not future.done():
                future.set_result(rows.get(key))

    def _rows(self, keys: Sequence[int]) -> dict[int, StoredResource]:
        with self._server.database.connection() as connection:
            return read_resources(connection, keys)
