import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace

import pytest
from starlette.testclient import TestClient

from fhir_server.delivery import courier as courier_module
from fhir_server.delivery.courier import Courier
from fhir_server.http.app import create_app
from fhir_server.interactions.server import FhirServer
from fhir_server.store.database import Database
from tests.interactions.conftest import opened as opened  # noqa: PLC0414 — a fixture of these tests too
from tests.subscriptions.receiver import WAIT_S, Receiver, receiver

Delivering = Callable[[], AbstractContextManager[None]]


@pytest.fixture
def server(opened: FhirServer, database: Database) -> FhirServer:
    settings = opened.settings.model_copy(
        update={"subscription_longest_pause_s": 0.05, "subscription_timeout_s": WAIT_S}
    )
    return replace(opened, database=database, settings=settings)


@pytest.fixture
def client(server: FhirServer) -> Iterator[TestClient]:
    with TestClient(create_app(server), raise_server_exceptions=False) as client:
        yield client


@pytest.fixture
def hook() -> Iterator[Receiver]:
    with receiver() as state:
        yield state


@pytest.fixture
def delivering(
    server: FhirServer, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> Delivering:
    """A context in which deliveries are made."""
    monkeypatch.setattr(courier_module, "POLL_S", 0.02)

    @contextmanager
    def run() -> Iterator[None]:
        ready = threading.Event()
        running: list[tuple[asyncio.AbstractEventLoop, Courier]] = []

        async def deliver() -> None:
            courier = Courier(
                server.settings,
                database_url,
                lambda: replace(server, database=Database(database_url, pool_size=2)),
            )
            running.append((asyncio.get_running_loop(), courier))
            ready.set()
            await courier.run()

        thread = threading.Thread(target=lambda: asyncio.run(deliver()))
        thread.start()
        ready.wait()
        try:
            yield
        finally:
            loop, courier = running[0]
            loop.call_soon_threadsafe(courier.stop)
            thread.join()

    return run
