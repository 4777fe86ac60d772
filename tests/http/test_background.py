"""What a web process does beside its requests."""

import time
from collections.abc import Callable

import pytest

from fhir_server.http import background
from fhir_server.http.background import BackgroundThread
from fhir_server.interactions.server import FhirServer
from tests.interactions.conftest import opened as opened  # noqa: PLC0414 — fixtures of these tests too
from tests.interactions.conftest import server as server  # noqa: PLC0414


def _changed(server: FhirServer) -> int:
    with server.database.connection() as connection:
        [[count]] = connection.execute("SELECT count(*) FROM changed_block").fetchall()
    return int(count)


def _fails(*_: object) -> None:
    raise RuntimeError


def _nothing(*_: object) -> None:
    return None


@pytest.mark.parametrize("reindexed", [_nothing, _fails])
def test_background__counts_changed_blocks_anew(
    server: FhirServer, monkeypatch: pytest.MonkeyPatch, reindexed: Callable[..., None]
) -> None:
    """Whatever becomes of the other work."""
    monkeypatch.setattr(background, "run_batch", reindexed)
    monkeypatch.setattr(background, "COUNT_BLOCKS_S", 0.0)
    monkeypatch.setattr(background, "LOOK_AGAIN_S", 0.01)
    with server.database.connection() as connection:
        connection.execute("INSERT INTO changed_block VALUES (1), (1), (2)")
    thread = BackgroundThread(server)
    thread.start()
    try:
        for _ in range(30_000):
            if not _changed(server):
                break
            time.sleep(0.01)
        assert not _changed(server)
    finally:
        thread.stop()
