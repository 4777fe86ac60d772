"""The loop that delivers: finds subscriptions with something due, and serves them beside each other.

Each subscription is served by one task at a time and, by an advisory lock of the database session, by one
process: its events leave in order. A slow subscriber holds up nobody else.
"""

import asyncio
import contextlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any, TypeVar

import httpx2
import psycopg
import structlog

from fhir_server.delivery.sending import new_client, send
from fhir_server.delivery.steps import next_step, note_step
from fhir_server.interactions.server import FhirServer
from fhir_server.operator_error import OperatorError
from fhir_server.settings import Settings
from fhir_server.store.database import Connection, lone_connection
from fhir_server.store.deliveries import (
    due_deliveries,
    forget_events,
    hold_delivery,
    release_delivery,
)

MOST_AT_ONCE = 50
POLL_S = 0.2
TIDY_S = 600.0
LONGEST_PAUSE_S = 10.0

Result = TypeVar("Result")
log = structlog.stdlib.get_logger("osteon.subscriptions")


class Courier:
    """Delivers until asked to stop.

    Shape: `open_server` opens the server's parts; that takes a second and is done once there is
    something to deliver.
    """

    def __init__(self, settings: Settings, url: str, open_server: Callable[[], FhirServer]) -> None:
        self._settings = settings
        self._url = url
        self._open_server = open_server
        self._server: FhirServer | None = None
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._database = ThreadPoolExecutor(1, thread_name_prefix="deliveries")
        self._stop = asyncio.Event()

    def stop(self) -> None:
        """End after what is being sent."""
        self._stop.set()

    async def run(self) -> None:
        """Deliver; where the database goes away, try again with growing pauses."""
        pause_s = POLL_S
        async with new_client() as client:
            while not self._stop.is_set():
                try:
                    connection = await self._in_database(
                        lone_connection, self._url, "osteon deliveries"
                    )
                    pause_s = POLL_S
                    await self._run_on(connection, client)
                except (psycopg.Error, OperatorError) as fault:
                    log.warning("database not usable", kind=type(fault).__name__)
                    await self._pause(pause_s)
                    pause_s = min(pause_s * 2, LONGEST_PAUSE_S)
        if self._server is not None:
            self._server.close()
        self._database.shutdown()

    async def _run_on(self, connection: Connection, client: httpx2.AsyncClient) -> None:
        loop = asyncio.get_running_loop()
        tidied = float("-inf")
        try:
            while not self._stop.is_set():
                if loop.time() - tidied > TIDY_S:
                    kept = timedelta(seconds=self._settings.subscription_events_kept_s)
                    await self._in_database(forget_events, connection, kept)
                    tidied = loop.time()
                room = MOST_AT_ONCE - len(self._tasks)
                for key in await self._in_database(
                    due_deliveries, connection, list(self._tasks), room
                ):
                    task = asyncio.create_task(self._serve(connection, client, key))
                    self._tasks[key] = task
                await self._pause(POLL_S)
                for key in [key for key, task in self._tasks.items() if task.done()]:
                    await self._tasks.pop(key)
        finally:
            for task in self._tasks.values():
                task.cancel()
            await asyncio.gather(*self._tasks.values(), return_exceptions=True)
            self._tasks.clear()
            await self._in_database(connection.close)

    async def _serve(self, connection: Connection, client: httpx2.AsyncClient, key: int) -> None:
        """Serve one subscription as long as something is due and is taken."""
        if not await self._in_database(hold_delivery, connection, key):
            return
        try:
            server = await self._in_database(self._opened)
            while not self._stop.is_set():
                step = await self._in_database(next_step, server, connection, key)
                if step is None:
                    return
                fault = step.fault
                if fault is None and step.outgoing is not None:
                    asked_s = step.definition.timeout_s or float("inf")
                    timeout_s = min(asked_s, self._settings.subscription_timeout_s)
                    fault = await send(client, step.outgoing, timeout_s)
                await self._in_database(note_step, server, connection, step, fault)
                if fault is not None:
                    log.info("notification not taken", subscription=step.state.id,
                             attempts=step.state.attempts + 1, fault=fault)  # fmt: skip
                    return
        finally:
            if not connection.closed:
                await asyncio.shield(self._in_database(release_delivery, connection, key))

    def _opened(self) -> FhirServer:
        if self._server is None:
            self._server = self._open_server()
        return self._server

    async def _in_database(self, work: Callable[..., Result], *arguments: Any) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self._database, work, *arguments)

    async def _pause(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stop.wait(), seconds)
