"""Where interactions run: a bounded number of threads with a bounded queue before them.

An interaction is plain, blocking code; the event loop only reads and writes sockets. When more requests
wait than the queue holds, the next one is turned away at once instead of slowing all others down.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from fhir_server.model.issues import refuse
from fhir_server.store.deadline import Deadline

Result = TypeVar("Result")

QUEUE_PER_THREAD = 25


class InteractionThreads:
    """Threads for interactions. `busy` counts those running or waiting."""

    def __init__(self, threads: int, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix="interaction")
        self._limit = threads * (1 + QUEUE_PER_THREAD)
        self.busy = 0

    async def run(self, work: Callable[[], Result]) -> Result:
        """Run in a thread. Errors: Refused 503 where the queue is full, 504 where the time is over (what
        runs in the database is cancelled then); those of the work.
        """
        if self.busy >= self._limit:
            raise refuse(503, "too-busy", "throttled")
        self.busy += 1
        loop = asyncio.get_running_loop()
        deadline = Deadline()
        future = loop.run_in_executor(self._executor, deadline.run, work)
        future.add_done_callback(self._done)
        try:
            async with asyncio.timeout(self._timeout_s) as limit:
                return await future
        except TimeoutError:
            if not limit.expired():
                raise
            # Cancelling waits for the database, hence in a thread of its own.
            await loop.run_in_executor(None, deadline.end)
            raise refuse(
                504, "request-timeout", "timeout", seconds=f"{self._timeout_s:g}"
            ) from None

    def _done(self, future: asyncio.Future[Any]) -> None:
        self.busy -= 1
        if not future.cancelled():
            # Nobody may be waiting for it any more; its failure has been seen.
            future.exception()

    def close(self) -> None:
        """Let running interactions end, drop those that wait."""
        self._executor.shutdown(wait=True, cancel_futures=True)
