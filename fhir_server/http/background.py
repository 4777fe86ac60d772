"""Work beside the requests: reindexing, in a thread of each web process.

Half of the time it pauses, so that requests keep their share of the processor.
"""

import time
from threading import Event, Thread

import psycopg
import structlog

from fhir_server.interactions.server import FhirServer
from fhir_server.operator_error import OperatorError
from fhir_server.search.reindex import run_batch

LOOK_AGAIN_S = 2.0
"""How often a process asks the store for a job while there is none."""

END_WITHIN_S = 5.0

_log = structlog.stdlib.get_logger("osteon.reindex")


class ReindexThread:
    """Works at reindex jobs until it is stopped. A job goes on where it was left, in any process."""

    def __init__(self, server: FhirServer) -> None:
        self._server = server
        self._stopped = Event()
        self._thread = Thread(target=self._run, name="reindex", daemon=True)

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
            except (psycopg.Error, OperatorError) as fault:
                _log.warning("reindex batch is tried again", kind=type(fault).__name__)
                job = None
            pause_s = LOOK_AGAIN_S if job is None else time.monotonic() - began
