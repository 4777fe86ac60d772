"""The ingest process: the MLLP server, the journal's writer and the workers that it watches over."""

import asyncio
import contextlib
import os
import signal
import time
from typing import Any, Protocol

import structlog

from fhir_server.child_process import child_module
from fhir_server.operator_error import OperatorError
from fhir_server.settings import Settings
from fhir_server.store.database import Database
from ingest.journal.reception import Reception, Register
from ingest.journal.writer import JournalWriter
from ingest.transport.inbox import Inbox
from ingest.transport.mllp import MllpLimits, MllpServer
from ingest.transport.mllp_tls import Certificates, server_tls
from ingest.transport.pace import pace_of
from ingest.transport.room import Room

ANSWERS_GRACE_S = 1.0
WORKERS_GRACE_S = 1.0
RESTART_PAUSE_S = 1.0
SHORT_LIFE_S = 10.0
LONGEST_PAUSE_S = 30.0

LOOK_INTO_INBOX_EVERY_S = 1.0

log = structlog.stdlib.get_logger("osteon.ingest")


class ServiceRegister(Register, Certificates, Protocol):
    """The centre register: by sender and by certificate."""


def run_service(settings: Settings, url: str, register: ServiceRegister) -> None:
    """Serve until SIGTERM or SIGINT. Errors: OperatorError where the port cannot be had."""
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(_serve(settings, url, register))


async def _serve(settings: Settings, url: str, register: ServiceRegister) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    journal = JournalWriter(url)
    reception = Reception(register)
    servers = await _start_servers(settings, reception, journal, register)
    workers = [_keep_worker(n, url, stop) for n in range(1, settings.ingest_workers + 1)]
    watching = [_watch_inbox(settings, url, reception, stop)] if settings.inbox_dir else []
    jobs = [asyncio.create_task(job) for job in (journal.run(), *workers, *watching)]
    ended = asyncio.create_task(stop.wait())
    await asyncio.wait([*jobs, ended], return_when=asyncio.FIRST_COMPLETED)
    stop.set()
    await asyncio.gather(*(server.stop(ANSWERS_GRACE_S) for server in servers))
    jobs[0].cancel()
    failures = await asyncio.gather(*jobs, return_exceptions=True)
    for failure in failures:
        if isinstance(failure, Exception):
            raise failure


async def _start_servers(
    settings: Settings, reception: Reception, journal: JournalWriter, register: ServiceRegister
) -> list[MllpServer]:
    """The MLLP server, and the one with TLS where the settings ask for it."""
    limits = mllp_limits(settings)
    room = Room(settings.mllp_max_bytes_in_flight)
    plain = MllpServer(reception, journal, limits, room)
    ports = [("OSTEON_MLLP_PORT", settings.mllp_port, plain)]
    if settings.mllp_tls_port is not None:
        tls = MllpServer(reception, journal, limits, room, server_tls(settings, register))
        ports.append(("OSTEON_MLLP_TLS_PORT", settings.mllp_tls_port, tls))
    for name, port, server in ports:
        try:
            await server.start(settings.bind, port)
        except OSError as error:
            raise OperatorError(f"{name}: {settings.bind}:{port}: {error.strerror}") from None
        log.debug("MLLP server listens", address=settings.bind, port=port)
    return [server for _, _, server in ports]


async def _watch_inbox(
    settings: Settings, url: str, reception: Reception, stop: asyncio.Event
) -> None:
    """Look into the inbox until asked to end; a fault of one file does not end the watching."""
    assert settings.inbox_dir is not None, "asked for"  # noqa: S101 — a fault of the caller
    with Database(url, pool_size=1) as database:
        inbox = Inbox(settings.inbox_dir, database, reception)
        while not stop.is_set():
            try:
                await asyncio.to_thread(inbox.look)
            except OSError as error:
                log.warning("the inbox cannot be read", reason=error.strerror)
            await _sleep_unless(stop, LOOK_INTO_INBOX_EVERY_S)


async def _keep_worker(number: int, url: str, stop: asyncio.Event) -> None:
    """Run a worker process, again whenever it ends; end it with this process."""
    pause_s = RESTART_PAUSE_S
    while not stop.is_set():
        began = time.monotonic()
        process = await asyncio.create_subprocess_exec(
            *child_module("ingest.worker", end_signal=signal.SIGKILL),
            env={**os.environ, "OSTEON_DATABASE_URL": url},
            stdin=asyncio.subprocess.DEVNULL,
        )
        asked = asyncio.create_task(stop.wait())
        ended = asyncio.create_task(process.wait())
        await asyncio.wait([asked, ended], return_when=asyncio.FIRST_COMPLETED)
        asked.cancel()
        if stop.is_set():
            await _end(process, ended)
            return
        lived_s = time.monotonic() - began
        pause_s = min(pause_s * 2, LONGEST_PAUSE_S) if lived_s < SHORT_LIFE_S else RESTART_PAUSE_S
        log.warning("worker ended, starts again", worker=number, code=process.returncode)
        await _sleep_unless(stop, pause_s)


async def _end(process: asyncio.subprocess.Process, ended: "asyncio.Task[int]") -> None:
    """Ask a worker to end; what it has in hand is worked off or done again by the next one."""
    if process.returncode is None:
        process.terminate()
    try:
        async with asyncio.timeout(WORKERS_GRACE_S):
            await ended
    except TimeoutError:
        process.kill()
        await process.wait()


async def _sleep_unless(stop: asyncio.Event, seconds: float) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await stop.wait()


def mllp_limits(settings: Settings) -> MllpLimits:
    """The limits of the settings."""
    return MllpLimits(
        max_frame_bytes=settings.mllp_max_frame_bytes,
        ack_deadline_s=settings.ack_deadline_s,
        ack_deadline_per_mb_s=settings.ack_deadline_per_mb_s,
        idle_timeout_s=settings.mllp_idle_timeout_s,
        frame_timeout_s=settings.mllp_frame_timeout_s,
        pace=pace_of(settings),
        max_connections=settings.mllp_max_connections,
    )


def _loop_factory() -> Any:
    import uvloop

    return uvloop.new_event_loop
