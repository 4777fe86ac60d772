"""The loop that works: holds the oldest job, carries it out under a deadline, ends it.

A job is held by an advisory lock of the database session. A process that dies frees it, and the next
one begins it again; what an earlier attempt has done is known by its parts.
"""

import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from datetime import timedelta
from threading import Event

import psycopg
import structlog

from fhir_server.interactions.server import FhirServer
from fhir_server.operator_error import OperatorError
from fhir_server.settings import Settings
from fhir_server.store.background_jobs import (
    BackgroundJob,
    forget_ended_jobs,
    hold_background_job,
    put_back_background_job,
    read_background_job,
    release_background_job,
)
from fhir_server.store.database import Connection, Database, lone_connection
from fhir_server.store.deadline import Deadline
from fhir_server.store.receipts import forget_receipts

POLL_S = 0.3
"""How often a process without work asks for some."""

LOOK_S = 0.2
"""How often is looked whether a job that runs was called off."""

TIDY_S = 60.0
SHORTEST_RECEIPT_S = 86_400.0
"""The answers of transactions that were begun as jobs stay so long at least."""

LONGEST_PAUSE_S = 10.0
MOST_ATTEMPTS = 5
"""How often a job may end its process before it counts as failed."""

Runner = Callable[[FhirServer, BackgroundJob], None]
"""Carries out a job and ends it. Errors: any; the job is ended as failed then."""

log = structlog.stdlib.get_logger("osteon.jobs")


class JobWorker:
    """Works at one job after the other until it is stopped. The server's parts are opened for the first."""

    def __init__(self, settings: Settings, url: str) -> None:
        self._settings = settings
        self._url = url
        self._server: FhirServer | None = None
        self._stop = Event()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="job")

    def stop(self) -> None:
        """End soon; the job under way is begun again by the next process."""
        self._stop.set()

    def run(self) -> None:
        """Work; where the database goes away, try again with growing pauses."""
        pause_s = POLL_S
        while not self._stop.is_set():
            try:
                with lone_connection(self._url, "osteon jobs") as connection:
                    pause_s = POLL_S
                    self._run_on(connection)
            except (psycopg.Error, OperatorError) as fault:
                log.warning("database not usable", kind=type(fault).__name__)
                self._stop.wait(pause_s)
                pause_s = min(pause_s * 2, LONGEST_PAUSE_S)
        if self._server is not None:
            self._server.close()
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _run_on(self, connection: Connection) -> None:
        tidied = float("-inf")
        while not self._stop.is_set():
            if time.monotonic() - tidied > TIDY_S:
                forget_ended_jobs(connection, timedelta(seconds=self._settings.job_kept_s))
                window_s = max(self._settings.receipt_window_s, SHORTEST_RECEIPT_S)
                forget_receipts(connection, timedelta(seconds=window_s))
                tidied = time.monotonic()
            job = hold_background_job(connection, MOST_ATTEMPTS)
            if job is None:
                self._stop.wait(POLL_S)
                continue
            try:
                self._carry_out(connection, job)
            finally:
                if not connection.closed:
                    release_background_job(connection, job.id)

    def _carry_out(self, connection: Connection, job: BackgroundJob) -> None:
        server = self._opened()
        deadline = Deadline()
        began = time.monotonic()
        running = self._thread.submit(deadline.run, lambda: _runners()[job.kind](server, job))
        try:
            while not _is_done(running, LOOK_S):
                is_over = time.monotonic() - began > self._settings.job_timeout_s
                if is_over or self._stop.is_set() or _is_called_off(connection, job.id):
                    break
        finally:
            # Also where this connection is lost, and the lock on the job with it.
            deadline.end()
            wait([running])
        if self._stop.is_set():
            put_back_background_job(connection, job.id)
            return
        fault = running.exception()
        if isinstance(fault, Exception):
            from fhir_server.jobs.ending import end_failed

            end_failed(connection, job, fault)
        log.info("job ended", job_kind=job.kind, attempts=job.attempts,
                 seconds=round(time.monotonic() - began, 1))  # fmt: skip

    def _opened(self) -> FhirServer:
        if self._server is None:
            # Imported here: the server's parts are large, and not needed before there is a job.
            from fhir_server.interactions.server import open_server

            settings = self._settings
            database = Database(
                self._url, pool_size=2, statement_timeout_s=settings.job_timeout_s,
                application_name="osteon jobs",
            )  # fmt: skip
            self._server = open_server(settings, database)
        return self._server


def _runners() -> Mapping[str, Runner]:
    """What carries out each kind of job."""
    from fhir_server.jobs.request import run_request

    return {"request": run_request}


def _is_done(running: Future[None], within_s: float) -> bool:
    return bool(wait([running], within_s).done)


def _is_called_off(connection: Connection, job_id: str) -> bool:
    job = read_background_job(connection, job_id)
    return job is None or not job.is_open
