"""The supervisor: PostgreSQL, the tables, what is loaded at each start, and the processes that serve.

Every process it starts ends with it, however it ends. It holds no data, so that it can be killed at any
moment; the next start recovers.
"""

import http.client
import shutil
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import entry_points
from types import FrameType
from typing import NoReturn

import structlog

from fhir_server.child_process import child_module
from fhir_server.cli.listeners import check_free, open_listener
from fhir_server.cli.worker import Worker
from fhir_server.operator_error import OperatorError
from fhir_server.settings import Settings
from fhir_server.store import migrations
from fhir_server.store.database import Database
from fhir_server.store.embedded_postgres import SERVER_OWNER, EmbeddedPostgres

PROCESS_GROUP = "osteon.processes"
HTTP_SOCKET_VARIABLE = "OSTEON_HTTP_SOCKET"
READY_TIMEOUT_S = 120.0
WORKERS_END_WITHIN_S = 2.0
POSTGRES_ENDS_WITHIN_S = 1.5
_POLL_S = 0.05
_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
_log = structlog.stdlib.get_logger("osteon.serve")


class StopRequested(BaseException):
    """Ctrl-C or a signal asked the server to end."""


class Supervisor:
    """Runs the server until it is asked to end.

    Shape: `tell` shows a line to the person at the terminal.
    Errors: OperatorError with one clear line.
    """

    def __init__(self, settings: Settings, tell: Callable[[str], None]) -> None:
        self._settings = settings
        self._tell = tell
        self._postgres: EmbeddedPostgres | None = None
        self._workers: list[Worker] = []
        self._listener: socket.socket | None = None

    def run(self) -> None:
        """Start everything, watch it, and end it in order when asked to."""
        began = time.monotonic()
        try:
            with _signals_as_exceptions():
                self._start()
                self._tell_ready(time.monotonic() - began)
                while True:
                    self._watch()
                    time.sleep(_POLL_S)
        except StopRequested:
            self._tell("Stopping.")
        finally:
            self._stop()

    def _start(self) -> None:
        settings = self._settings
        if settings.database_url is None:
            self._postgres = EmbeddedPostgres(
                settings.data_dir, owner=SERVER_OWNER, progress=self._progress
            )
            self._postgres.claim(wait_s=10)
        self._listener = open_listener(settings.bind, settings.http_port, "OSTEON_HTTP_PORT")
        check_free(settings.bind, settings.mllp_port, "OSTEON_MLLP_PORT")
        variables = {"OSTEON_DATABASE_URL": self._prepare_database()}
        web = self._web_workers(variables)
        for worker in web:
            self._start_worker(worker)
        self._run_setup_step(variables)
        for worker in self._other_workers(variables):
            self._start_worker(worker)
        self._wait_until_ready()

    def _prepare_database(self) -> str:
        """The URL of the database, with its tables at the newest revision."""
        if self._postgres is not None:
            self._postgres.start()
            url = self._postgres.url()
        else:
            url = str(self._settings.database_url)
        with Database.from_settings(url, self._settings) as database:
            database.check()
        before = migrations.status(url)
        if not before.is_current:
            self._progress(f"bringing the tables to revision {before.newest}")
            migrations.upgrade(url)
        return url

    def _web_workers(self, variables: dict[str, str]) -> Iterator[Worker]:
        settings = self._settings
        assert self._listener is not None  # noqa: S101 — opened first
        descriptor = self._listener.fileno()
        variables = {**variables, HTTP_SOCKET_VARIABLE: str(descriptor)}
        if settings.web_processes > 1:
            folder = settings.data_dir / "metrics"
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            variables["PROMETHEUS_MULTIPROC_DIR"] = str(folder)
        for number in range(1, settings.web_processes + 1):
            yield Worker(
                name="web" if settings.web_processes == 1 else f"web {number}",
                command=child_module("fhir_server.http.server", end_signal=signal.SIGKILL),
                variables=variables,
                is_ready=lambda _worker: _answers_ready(settings),
                descriptors=[descriptor],
            )

    def _other_workers(self, variables: dict[str, str]) -> Iterator[Worker]:
        """Deliveries, background jobs, and the processes of other packages: the entry point names a module
        that runs with `-m`.
        """
        settings = self._settings
        for number in range(1, settings.subscription_workers + 1):
            yield Worker(
                name="deliveries" if settings.subscription_workers == 1 else f"deliveries {number}",
                command=child_module("fhir_server.delivery", end_signal=signal.SIGKILL),
                variables=variables,
            )
        for number in range(1, settings.job_workers + 1):
            yield Worker(
                name="jobs" if settings.job_workers == 1 else f"jobs {number}",
                command=child_module("fhir_server.jobs", end_signal=signal.SIGKILL),
                variables=variables,
            )
        for entry in sorted(entry_points(group=PROCESS_GROUP), key=lambda entry: entry.name):
            yield Worker(
                name=entry.name,
                command=child_module(entry.module, end_signal=signal.SIGKILL),
                variables=variables,
                is_ready=lambda worker: worker.listens_on(settings.mllp_port),
            )

    def _start_worker(self, worker: Worker) -> None:
        self._workers.append(worker)
        worker.start()

    def _run_setup_step(self, variables: dict[str, str]) -> None:
        step = Worker(
            name="set-up",
            command=child_module("fhir_server.cli.setup_step", end_signal=signal.SIGKILL),
            variables=variables,
        )
        self._start_worker(step)
        while (code := step.exit_code()) is None:
            time.sleep(_POLL_S)
        self._workers.remove(step)
        if code != 0:
            raise OperatorError(
                f"the set-up step ended with exit code {code}; the line above says why"
            )

    def _wait_until_ready(self) -> None:
        give_up = time.monotonic() + READY_TIMEOUT_S
        waiting = list(self._workers)
        while waiting:
            for worker in waiting:
                if (code := worker.exit_code()) is not None:
                    raise OperatorError(
                        f"the {worker.name} process ended with exit code {code} before it was ready"
                    )
            waiting = [worker for worker in waiting if not worker.is_ready(worker)]
            if time.monotonic() > give_up:
                names = ", ".join(worker.name for worker in waiting)
                raise OperatorError(f"not ready after {READY_TIMEOUT_S:.0f} s: {names}")
            time.sleep(_POLL_S)

    def _watch(self) -> None:
        if self._postgres is not None and not self._postgres.is_running():
            _log.warning("PostgreSQL ended; starting it again")
            self._postgres.start()
        for worker in self._workers:
            line = worker.watch()
            if line:
                _log.warning(line)

    def _stop(self) -> None:
        """End the processes together, then PostgreSQL: within five seconds, whatever they do."""
        deadline = time.monotonic() + WORKERS_END_WITHIN_S
        if self._postgres is not None:
            self._postgres.note_stopping()
        if self._listener is not None:
            self._listener.close()
        for worker in self._workers:
            worker.ask_to_end()
        for worker in self._workers:
            worker.wait_or_kill(deadline)
        if self._postgres is not None:
            self._postgres.stop(timeout_s=POSTGRES_ENDS_WITHIN_S)

    def _progress(self, line: str) -> None:
        self._tell(f"  {line} …")

    def _tell_ready(self, seconds: float) -> None:
        settings = self._settings
        self._tell(f"Osteon is ready ({seconds:.1f} s).")
        self._tell(f"  Start page      {settings.origin}/")
        self._tell(f"  FHIR R4         {settings.fhir_base}")
        self._tell(f"  HL7 v2, MLLP    {settings.bind}:{settings.mllp_port}")
        where = settings.data_dir if self._postgres else "the database of OSTEON_DATABASE_URL"
        self._tell(f"  Data            {where}")
        self._tell("Stop it with Ctrl-C.")


def _answers_ready(settings: Settings) -> bool:
    connection = http.client.HTTPConnection(settings.bind, settings.http_port, timeout=5)
    try:
        connection.request("GET", "/health/ready", headers={"Connection": "close"})
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


@contextmanager
def _signals_as_exceptions() -> Iterator[None]:
    """Raise StopRequested when asked to end; afterwards ignore such signals, since the end is near."""

    def stop(_number: int, _frame: FrameType | None) -> NoReturn:
        _ignore_signals()
        raise StopRequested

    for number in _SIGNALS:
        # nohup has SIGHUP ignored; SIGINT is taken even where a shell's `&` has it ignored.
        if number != signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, stop)
    try:
        yield
    finally:
        _ignore_signals()


def _ignore_signals() -> None:
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_IGN)
