"""Work beside the requests, in a thread of each web process: reindexing, and counting the blocks that totals
are made of (`store/token_blocks.py`).

Half of the time it pauses, so that requests keep their share of the processor.
"""

import time
from threading import Event, Thread

import psycopg
import structlog

from fhir_server.interactions.server import FhirServer
from fhir_server.operator_error import OperatorError
from fhir_server.search.reindex import run_batch
from fhir_server.store.token_blocks import keep_token_blocks

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
            try:
                job = run_batch(self._server.database, self._server.search)
                self._count_blocks()
            except (psycopg.Error, OperatorError) as fault:
                _log.warning("work beside requests is tried again", kind=type(fault).__name__)
                job = None
            pause_s = LOOK_AGAIN_S if job is None else time.monotonic() - began

    def _count_blocks(self) -> None:
        if time.monotonic() - self._counted_s < COUNT_BLOCKS_S:
            return
        # Not out of the pool: a token that is counted for the first time may take many seconds.
        with self._server.database.connect() as connection:
            keep_token_blocks(connection)
        self._counted_s = time.monotonic()
