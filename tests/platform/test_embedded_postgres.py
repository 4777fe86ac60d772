import os
import signal
import socket
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import psycopg
import pytest

from fhir_server.store.embedded_postgres import (
    STOPPING,
    DataDirectoryInUseError,
    EmbeddedPostgres,
    EmbeddedPostgresError,
    postgres_of,
    running_url,
    socket_directory,
)
from fhir_server.store.postgres_account import may_enter
from fhir_server.store.postmaster import SOCKET_NAME, PostmasterFile


@contextmanager
def running(data_dir: Path, owner: str = "osteon tests") -> Iterator[EmbeddedPostgres]:
    server = EmbeddedPostgres(data_dir, durable=False, owner=owner)
    server.start()
    try:
        yield server
    finally:
        server.stop()


def _one(url: str, query: str) -> object:
    with psycopg.connect(url) as connection:
        row = connection.execute(query.encode()).fetchone()
    return row[0] if row else None


@pytest.mark.parametrize(
    "name", ["plain", "with space", "a,b", "dâta \"'%20=?#&", "long/" + 100 * "x"]
)
def test_start__any_folder_will_do(tmp_path: Path, name: str) -> None:
    with running(tmp_path / name) as server:
        assert _one(server.url(), "SELECT 1") == 1
        folder = socket_directory(server.cluster)
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert folder == server.cluster or not folder.exists()


def test_start__listens_on_no_network(postgres: EmbeddedPostgres) -> None:
    assert _one(postgres.url(), "SHOW listen_addresses") == ""


def test_start__statements_and_values_stay_out_of_the_log(tmp_path: Path) -> None:
    with running(tmp_path) as server, psycopg.connect(server.url(), autocommit=True) as connection:
        connection.execute("CREATE TABLE person (name text PRIMARY KEY)")
        connection.execute("INSERT INTO person VALUES ('Dupont')")
        with pytest.raises(psycopg.errors.UniqueViolation):
            connection.execute("INSERT INTO person VALUES ('Dupont')")
    log = server.log_path.read_text()
    assert "duplicate key" in log
    assert "Dupont" not in log


def test_start__lock_file_with_a_strangers_number_is_stale(tmp_path: Path) -> None:
    with running(tmp_path) as server:
        stale = (server.cluster / "postmaster.pid").read_text()
    lines = stale.splitlines()
    lines[0] = str(os.getpid())
    (server.cluster / "postmaster.pid").write_text("\n".join(lines))
    with running(tmp_path) as again:
        assert _one(again.url(), "SELECT 1") == 1


@pytest.mark.parametrize("content", ["", "12", "x\n"])
def test_start__broken_lock_file_is_stale(tmp_path: Path, content: str) -> None:
    with running(tmp_path) as server:
        pass
    (server.cluster / "postmaster.pid").write_text(content)
    with running(tmp_path) as again:
        assert _one(again.url(), "SELECT 1") == 1


def test_lock_file__path_that_is_no_utf_8_is_read(tmp_path: Path) -> None:
    folder = b"/donn\xe9es"
    lines = [b"12", folder, b"0", b"5432", folder, b"", b"", b"ready   "]
    (tmp_path / "postmaster.pid").write_bytes(b"\n".join(lines))
    assert PostmasterFile.read(tmp_path) == PostmasterFile(12, Path(os.fsdecode(folder)), "ready")


def test_start__interrupted_making_of_the_cluster_is_begun_again(tmp_path: Path) -> None:
    (tmp_path / "postgres.new").mkdir()
    (tmp_path / "postgres.new" / "PG_VERSION").write_text("18\n")
    with running(tmp_path) as server:
        assert _one(server.url(), "SELECT 1") == 1


def test_start__cluster_of_another_version_is_refused(tmp_path: Path) -> None:
    with running(tmp_path) as server:
        pass
    (server.cluster / "PG_VERSION").write_text("15\n")
    with pytest.raises(EmbeddedPostgresError, match=r"was made by PostgreSQL 15, this is"):
        EmbeddedPostgres(tmp_path).start()


def test_start__what_postgres_says_is_passed_on(tmp_path: Path) -> None:
    with running(tmp_path) as server:
        pass
    with (server.cluster / "postgresql.conf").open("a") as file:
        file.write("work_mem = lots\n")
    with pytest.raises(EmbeddedPostgresError, match=r"^PostgreSQL did not start: ") as caught:
        EmbeddedPostgres(tmp_path).start()
    assert "\n" not in str(caught.value)


def test_claim__second_owner_is_refused_by_name(tmp_path: Path) -> None:
    first = EmbeddedPostgres(tmp_path, owner="osteon serve")
    first.claim()
    with pytest.raises(DataDirectoryInUseError, match=r"in use by osteon serve \(process"):
        EmbeddedPostgres(tmp_path).claim(wait_s=60)
    first.stop()
    second = EmbeddedPostgres(tmp_path)
    second.claim()
    second.stop()


def test_claim__server_that_stops_is_waited_for(tmp_path: Path) -> None:
    first = EmbeddedPostgres(tmp_path, owner="osteon serve")
    first.claim()
    first.note_stopping()
    with pytest.raises(DataDirectoryInUseError, match=STOPPING):
        EmbeddedPostgres(tmp_path).claim(wait_s=0.1)
    first.stop()


def test_running_url__is_none_where_nothing_runs(tmp_path: Path) -> None:
    assert running_url(tmp_path) is None
    with running(tmp_path):
        assert running_url(tmp_path) is not None
    assert running_url(tmp_path) is None


def test_postgres_of__running_server_is_used_and_left_running(tmp_path: Path) -> None:
    with running(tmp_path) as server:
        with postgres_of(tmp_path, owner="osteon db") as url:
            assert _one(url, "SELECT 1") == 1
        assert server.is_running()


def test_stop__ends_every_process(tmp_path: Path) -> None:
    with running(tmp_path) as server:
        postmaster = int((server.cluster / "postmaster.pid").read_text().splitlines()[0])
        below = psutil.Process(postmaster).children(recursive=True)
        with psycopg.connect(server.url()):
            server.stop()
    assert psutil.wait_procs(below, timeout=300)[1] == []


def test_stop__within_the_time_even_if_postgres_hangs(tmp_path: Path) -> None:
    with running(tmp_path) as server:
        postmaster = int((server.cluster / "postmaster.pid").read_text().splitlines()[0])
        os.kill(postmaster, signal.SIGSTOP)
        server.stop(timeout_s=0.2)
    assert not psutil.pid_exists(postmaster)


@pytest.mark.parametrize("temporary", ["short", 120 * "t"])
def test_socket_directory__long_path_moves_to_a_temporary_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, temporary: str
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / temporary))
    cluster = tmp_path / ("x" * 100) / "postgres"
    cluster.mkdir(parents=True)
    with socket.socket(socket.AF_UNIX) as probe:
        probe.bind("\0" + str(socket_directory(cluster) / SOCKET_NAME))


def test_may_enter__each_folder_above_counts(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    inner = closed / "inner"
    inner.mkdir(parents=True)
    for folder in (closed, *closed.parents):
        if folder.stat().st_uid == os.getuid() and folder.is_relative_to(tmp_path.parent):
            folder.chmod(0o755)
    closed.chmod(0o700)
    stranger = 12_345
    assert not may_enter(stranger, stranger, inner)
    assert may_enter(os.getuid(), os.getgid(), closed)
