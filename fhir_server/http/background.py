"""Work beside the requests, in a thread of each web process: reindexing, and counting the blocks that totals
are made of (`store/token_blocks.py`).

Half of the time it pauses, so that requests keep their share of the processor.
"""

import time
from collections.abc import Callable
from threading import Event, Thread
from typing import TypeVar

import structlog

from fhir_server.interactions.server import FhirServer
from fhir_server.search.reindex import run_batch
from fhir_server.store.reindex_jobs import ReindexJob
from fhir_server.store.token_blocks import keep_token_blocks

Result = TypeVar("Result")

LOOK_AGAIN_S = 2.0
"""How often a process asks the store for a job while there is none."""

COUNT_BLOCKS_S = 60.0
"""How often the blocks that have changed are counted anew; a process that comes second finds none."""

END_WITHIN_S = 5.0

_log = structlog.stdlib.get_logger("osteon.reindex")


class BackgroundThread:
    """Works until it is stopped. A reindex job goes on where it was left, in any process."""

    def __init__(self, server: FhirServer) -> None:
        self._server = server
        self._stopped = Event()
        self._thread = Thread(target=self._run, name="background", daemon=True)
        self._counted_s = time.monotonic()

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Let the batch under way end."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join(END_WITHIN_S)

    def _run(self) -> None:
        pause_s = LOOK_AGAIN_S
        while not self._stopped.wait(pause_s):
            began = time.monotonic()
            job = _tried(self._reindex)
            if began - self._counted_s >= COUNT_BLOCKS_S:
                _tried(self._count_blocks)
                self._counted_s = time.monotonic()
            pause_s = LOOK_AGAIN_S if job is None else time.monotonic() - began

    def _reindex(self) -> ReindexJob | None:
        return run_batch(self._server.database, self._server.search)

    def _count_blocks(self) -> None:
        # Not out of the pool: a token that is counted for the first time may take many seconds.
        with self._server.database.connect() as connection:
            keep_token_blocks(connection)


def _tried(work: Callable[[], Result]) -> Result | None:
    """What comes of some work; None where it fails, whatever the reason: nobody starts the thread again."""
    try:
        return work()
    except Exception as failure:
        _log.warning("work beside requests is tried again", kind=type(failure).__name__)
        return None
