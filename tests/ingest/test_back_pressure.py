"""What cannot be written down is not acknowledged: a database that is away, a disk that is full."""

import os
import resource
import secrets
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from fhir_server.interactions.server import FhirServer
from fhir_server.store import migrations
from fhir_server.store.database import Database
from fhir_server.store.embedded_postgres import EmbeddedPostgres
from ingest.mapping import MappingResult
from ingest.worker.run import run_worker
from tests.ingest.conftest import LIMITS, MllpThread
from tests.ingest.journal_rows import rows
from tests.ingest.mllp_client import adt
from tests.ingest.worker.conftest import patient_bundle, worker_of


@pytest.fixture
def own_postgres(tmp_path: Path) -> Iterator[EmbeddedPostgres]:
    """A server that a test may stop."""
    server = EmbeddedPostgres(tmp_path / "data", durable=False, owner="back pressure test")
    server.start()
    migrations.upgrade(server.url())
    yield server
    server.stop()


@contextmanager
def working(server: FhirServer, database: Database) -> Iterator[None]:
    """A worker in a thread, for as long as the block runs."""
    stop = threading.Event()
    worker = worker_of(
        replace(server, database=database), lambda m: MappingResult("C01", patient_bundle(m))
    )
    thread = threading.Thread(target=run_worker, args=(database.url, worker, stop))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def wait_for_states(database: Database, expected: list[str]) -> None:
    give_up = time.monotonic() + 300
    while [row["state"] for row in rows(database)] != expected:
        assert time.monotonic() < give_up
        time.sleep(0.05)


def test_back_pressure__stopped_database_gives_ar_and_loses_nothing(
    opened: FhirServer, own_postgres: EmbeddedPostgres
) -> None:
    with (
        Database(own_postgres.url(), pool_size=2) as database,
        working(opened, database),
        MllpThread(database.url) as mllp,
        mllp.client() as sender,
    ):
        assert sender.send(adt("1")).get("MSA-1") == "AA"
        wait_for_states(database, ["stored"])
        own_postgres.stop()
        for _ in range(2):
            turned_away = sender.send(adt("2"))
            assert (turned_away.get("MSA-1"), turned_away.get("MSA-2")) == ("AR", "2")
            assert turned_away.get("ERR-3") == "207"
        own_postgres.start()
        assert own_postgres.url() == database.url
        assert sender.send(adt("2")).get("MSA-1") == "AA"
        with Database(own_postgres.url(), pool_size=1) as after:
            wait_for_states(after, ["stored", "stored"])


@pytest.fixture
def small_disk(tmp_path: Path, postgres: EmbeddedPostgres) -> Iterator[Path]:
    """A file system of 24 MB that belongs to PostgreSQL; skipped where none may be mounted."""
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=24m,mode=0700", "tmpfs", str(folder)],
        capture_output=True,
        check=False,
    )
    if mounted.returncode:
        pytest.skip("no file system may be mounted here")
    owner = postgres.cluster.stat()
    os.chown(folder, owner.st_uid, owner.st_gid)
    for above in folder.parents:
        if above == Path(folder.anchor):
            break
        above.chmod(above.stat().st_mode | 0o111)
    yield folder
    # Lazily: what PostgreSQL may still have open goes when it closes it.
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.fixture
def on_small_disk(small_disk: Path, database: Database) -> Iterator[Database]:
    """A database whose journal lies on the small disk."""
    with database.connection() as connection:
        connection.execute(f"CREATE TABLESPACE small LOCATION '{small_disk}'".encode())
        connection.execute("ALTER TABLE ingest_message SET TABLESPACE small")
    yield database
    with database.connection() as connection:
        connection.execute("ALTER TABLE ingest_message SET TABLESPACE pg_default")
        connection.execute("DROP TABLESPACE small")


def large(control_id: str) -> bytes:
    """A message that no compression makes smaller."""
    return adt(control_id) + b"NTE|1||" + secrets.token_hex(700_000).encode() + b"\r"


def fill_and_make_room(database: Database, make_room: Callable[[], None]) -> None:
    """Send until PostgreSQL cannot write any more, make room, send again: nothing is lost, nothing twice."""
    limits = replace(LIMITS, max_frame_bytes=3_000_000)
    accepted: list[bytes] = []
    with MllpThread(database.url, limits) as mllp, mllp.client() as sender:
        while True:
            message = large(f"M{len(accepted)}")
            answer = sender.send(message).get("MSA-1")
            if answer != "AA":
                break
            accepted.append(message)
            assert len(accepted) < 60, "so much does not fit"
        assert answer == "AR"
        assert accepted
        assert sender.send(message).get("MSA-1") == "AR"
        make_room()
        assert sender.send(message).get("MSA-1") == "AA"
    with Database(database.url, pool_size=1) as after:
        assert [bytes(row["raw"]) for row in rows(after)] == [*accepted, message]


def test_back_pressure__full_disk_gives_ar_and_loses_nothing(
    on_small_disk: Database, small_disk: Path
) -> None:
    def enlarge() -> None:
        subprocess.run(["mount", "-o", "remount,size=64m", str(small_disk)], check=True)

    fill_and_make_room(on_small_disk, enlarge)


LARGEST_FILE = 20 * 1024 * 1024
"""More than a segment of the write-ahead log (16 MB), less than the journal of twenty large messages."""


@contextmanager
def small_files() -> Iterator[None]:
    """Processes started inside may let no file grow beyond a size: their writes fail (EFBIG)."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (LARGEST_FILE, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_back_pressure__file_that_cannot_grow_gives_ar_and_loses_nothing(
    own_postgres: EmbeddedPostgres,
) -> None:
    def restart() -> None:
        own_postgres.stop()
        own_postgres.start()

    with small_files():
        restart()
    with Database(own_postgres.url(), pool_size=1) as database:
        fill_and_make_room(database, restart)
