"""Where interactions run: a bounded number of threads with a bounded queue before them.

An interaction is plain, blocking code; the event loop only reads and writes sockets. When more requests
wait than the queue holds, the next one is turned away at once instead of slowing all others down.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from fhir_server.model.issues import refuse

Result = TypeVar("Result")

QUEUE_PER_THREAD = 25


class InteractionThreads:
    """Threads for interactions. `busy` counts those running or waiting."""

    def __init__(self, threads: int) -> None:
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix="interaction")
        self._limit = threads * (1 + QUEUE_PER_THREAD)
        self.busy = 0

    async def run(self, work: Callable[[], Result]) -> Result:
        """Run in a thread. Errors: Refused 503 where the queue is full; those of the work."""
        if self.busy >= self._limit:
            raise refuse(503, "too-busy", "throttled")
        self.busy += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._executor, work)
        finally:
            self.busy -= 1

    def close(self) -> None:
        """Let running interactions end, drop those that wait."""
        self._executor.shutdown(wait=True, cancel_futures=True)
