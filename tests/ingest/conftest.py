"""An MLLP server on a real socket, writing into a real journal."""

import asyncio
import shutil
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import structlog

from fhir_server.interactions.server import FhirServer, open_server
from fhir_server.interactions.transaction import transaction
from fhir_server.settings import Settings
from fhir_server.store.database import Database
from ingest.hl7v2 import Message
from ingest.journal.reception import Reception
from ingest.journal.writer import JournalWriter
from ingest.mapping import default_library, organizations_bundle
from ingest.mapping.library import mappings_folder
from ingest.maps import LiveRegister
from ingest.transport.mllp import MllpLimits, MllpServer
from ingest.transport.mllp_tls import MllpTls
from ingest.transport.pace import Pace
from ingest.transport.room import Room
from ingest.worker.leniency import forgiving
from tests.ingest.mllp_client import MllpClient


@pytest.fixture(scope="session", autouse=True)
def _log_lines_to_logging() -> None:
    """Log lines go where pytest collects them, not between the lines that a command prints."""
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, structlog.stdlib.render_to_log_kwargs],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )


PATIENCE_S = 300.0
"""Far more than anything takes. A test in which some time is to be over shortens that one limit."""

LIMITS = MllpLimits(
    max_frame_bytes=100_000,
    ack_deadline_s=PATIENCE_S,
    ack_deadline_per_mb_s=0,
    idle_timeout_s=PATIENCE_S,
    frame_timeout_s=PATIENCE_S,
    pace=Pace(PATIENCE_S, 50_000),
    max_connections=64,
)


@dataclass(frozen=True)
class KnownCentre:
    id: str = "chu-demo"

    def read(self, raw: bytes) -> Message:
        return Message.parse(raw, default_charset="8859/15")


class OneCentre:
    """A register that knows one centre, and the applications that it sends from."""

    def __init__(self) -> None:
        self.applications: set[str | None] = {"LAB"}

    def of_sender(self, application: str | None, facility: str | None) -> KnownCentre | None:
        known = application in self.applications and facility == "CHU"
        return KnownCentre() if known else None


class MllpThread:
    """A server in a thread of its own, with an event loop of its own."""

    def __init__(
        self,
        url: str,
        limits: MllpLimits = LIMITS,
        tls: MllpTls | None = None,
        *,
        room_bytes: int = 10_000_000,
        register: LiveRegister | None = None,
        grace_s: float = 10.0,
    ) -> None:
        self._grace_s = grace_s
        self.journal = JournalWriter(url)
        self.register = OneCentre()
        self.room = Room(room_bytes)
        reception = Reception(register or self.register)
        self.server = MllpServer(reception, self.journal, limits, self.room, tls)
        self._loop = asyncio.new_event_loop()
        self._started = threading.Event()
        self._stop = asyncio.Event()
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(self._run(),))

    async def _run(self) -> None:
        writing = asyncio.create_task(self.journal.run())
        await self.server.start("127.0.0.1", 0)
        self._started.set()
        await self._stop.wait()
        await self.server.stop(self._grace_s)
        writing.cancel()
        await asyncio.gather(writing, return_exceptions=True)

    def __enter__(self) -> "MllpThread":
        self._thread.start()
        assert self._started.wait(PATIENCE_S)
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join(PATIENCE_S)
            assert not self._thread.is_alive(), "the server ends"
            self._loop.close()

    def client(self) -> MllpClient:
        return MllpClient("127.0.0.1", self.server.port)


@pytest.fixture
def mllp(database: Database) -> Iterator[MllpThread]:
    with MllpThread(database.url) as server:
        yield server


@pytest.fixture(scope="session")
def opened() -> FhirServer:
    """A server whose compiled parts serve all tests; each test puts its own database in."""
    return open_server(forgiving(Settings()), Database("postgresql:///never-opened"))


@pytest.fixture
def server(opened: FhirServer, database: Database) -> FhirServer:
    return replace(opened, database=database)


@pytest.fixture
def centres(server: FhirServer) -> None:
    """The register's Organizations in the store."""
    transaction(server, organizations_bundle(default_library().register.centres.values()))


@pytest.fixture
def own_maps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the maps that a test may change; the settings name it."""
    folder = tmp_path / "mappings"
    shutil.copytree(mappings_folder(), folder)
    monkeypatch.setenv("OSTEON_MAPPINGS_DIR", str(folder))
    return folder
