import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from importlib.metadata import entry_points
from pathlib import Path

import psutil
import psycopg
import pytest

from fhir_server.http.start_page import start_page_content
from fhir_server.settings import load_settings
from fhir_server.store.embedded_postgres import running_url
from tests.platform.served import Served, served


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(tmp_path_factory.mktemp("served")) as running:
        yield running


def _run(server: Served) -> tuple[int, str]:
    process = server.command()
    _, faults = process.communicate(timeout=60)
    return process.returncode, faults


def _remember(server: Served, text: str) -> None:
    with psycopg.connect(str(running_url(server.data_dir)), autocommit=True) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS remembered (text text)")
        connection.execute("INSERT INTO remembered VALUES (%s)", [text])


def _remembered(server: Served) -> list[str]:
    with psycopg.connect(str(running_url(server.data_dir))) as connection:
        return [row[0] for row in connection.execute("SELECT text FROM remembered ORDER BY 1")]


def _wait_for_end(processes: list[psutil.Process], timeout_s: float = 20) -> list[psutil.Process]:
    return psutil.wait_procs(processes, timeout=timeout_s)[1]


def test_serve__is_ready_with_all_its_parts(server: Served) -> None:
    status, _, _ = server.get("/health/ready")
    assert status == 200
    assert set(server.get_json("/health/ready")["checks"].values()) == {"ok"}
    assert server.get_json("/health/live") == {"status": "ok"}


def _listening_addresses(process: psutil.Process) -> set[str]:
    with suppress(psutil.NoSuchProcess):
        return {
            connection.laddr.ip
            for connection in process.net_connections(kind="tcp")
            if connection.status == psutil.CONN_LISTEN
        }
    return set()


def test_serve__listens_on_loopback_only(server: Served) -> None:
    processes = [server.supervisor(), *server.descendants()]
    assert set().union(*map(_listening_addresses, processes)) == {"127.0.0.1"}


def test_serve__second_one_on_the_data_directory_names_the_first(server: Served) -> None:
    code, faults = _run(Served(server.data_dir))
    assert code == 3
    assert faults.count("\n") == 1
    assert f"OSTEON_DATA_DIR: {server.data_dir} is in use by osteon serve" in faults


@pytest.mark.parametrize("variable", ["OSTEON_HTTP_PORT", "OSTEON_MLLP_PORT"])
def test_serve__taken_port_is_named(tmp_path: Path, variable: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        code, faults = _run(Served(tmp_path, {variable: str(port)}))
    assert code == 3
    assert faults == (
        f"osteon: {variable}: port {port} on 127.0.0.1 is taken by another program; "
        "stop it or choose another port\n"
    )


@pytest.mark.parametrize(
    ("variable", "value", "reason"),
    [
        ("OSTEON_BIND", "0.0.0.0", "is not a loopback address"),  # noqa: S104 — it is refused
        ("OSTEON_BIND", "::", "is not a loopback address"),
        ("OSTEON_BIND", "fhir.example", "is not a loopback address"),
        ("OSTEON_HTTP_PORT", "eighty", "cannot be used"),
        ("OSTEON_HTTP_PORT", "70000", "cannot be used"),
        ("OSTEON_DATABASE_URL", "mysql://localhost/x", "is no PostgreSQL URL"),
        ("OSTEON_LANGUAGE", "de", "cannot be used"),
    ],
)
def test_serve__bad_value_is_named(tmp_path: Path, variable: str, value: str, reason: str) -> None:
    code, faults = _run(Served(tmp_path, {variable: value}))
    assert code == 2
    assert faults.startswith(f"osteon: {variable}: '{value}' {reason}")
    assert faults.count("\n") == 1


def test_serve__unreachable_database_is_named_without_password(tmp_path: Path) -> None:
    url = "postgresql://osteon:secret@127.0.0.1:1/none"
    code, faults = _run(Served(tmp_path, {"OSTEON_DATABASE_URL": url}))
    assert code == 3
    assert faults.startswith("osteon: postgresql://osteon:…@127.0.0.1:1/none cannot be reached")
    assert faults.count("\n") == 1
    assert "secret" not in faults


def test_serve__data_directory_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    code, faults = _run(Served(tmp_path / "file" / "data"))
    assert code == 3
    assert faults.startswith(
        f"osteon: OSTEON_DATA_DIR: {tmp_path / 'file' / 'data'} cannot be made"
    )


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_serve__signal_ends_everything_within_five_seconds(tmp_path: Path, number: int) -> None:
    with served(tmp_path) as server:
        below = server.descendants()
        with socket.create_connection(("127.0.0.1", server.http_port)):
            assert server.end(number) < 5
        assert server.process is not None
        assert server.process.returncode == 0
        assert _wait_for_end(below, timeout_s=0.5) == []
    assert "database system is shut down" in (tmp_path / "postgres.log").read_text()


def test_serve__killed_supervisor_takes_all_with_it_and_the_next_start_has_the_data(
    tmp_path: Path,
) -> None:
    with served(tmp_path) as server:
        _remember(server, "before")
        below = server.descendants()
        server.end(signal.SIGKILL)
        assert _wait_for_end(below) == []
        server.start()
        assert _remembered(server) == ["before"]


def test_serve__everything_killed_at_once_recovers(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        _remember(server, "before")
        below = server.descendants()
        for process in [*below, server.supervisor()]:
            process.suspend()
        for process in below:
            process.kill()
        server.end(signal.SIGKILL)
        server.start()
        assert _remembered(server) == ["before"]


def test_serve__web_process_that_is_killed_comes_back(server: Served) -> None:
    web = next(one for one in server.descendants() if "fhir_server.http.server" in one.cmdline())
    web.kill()
    _wait_until_ready(server)
    assert server.get("/health/ready")[0] == 200


def test_serve__postgres_that_is_killed_comes_back_with_its_data(server: Served) -> None:
    _remember(server, "before")
    lock_file = server.data_dir / "postgres" / "postmaster.pid"
    os.kill(int(lock_file.read_text().splitlines()[0]), signal.SIGKILL)
    _wait_until_ready(server)
    assert _remembered(server) == ["before"]


def test_serve__several_web_processes_on_a_given_database(
    tmp_path: Path, empty_database_url: str
) -> None:
    variables = {"OSTEON_DATABASE_URL": empty_database_url, "OSTEON_WEB_PROCESSES": "2"}
    with served(tmp_path / "data", **variables) as server:
        assert server.get("/health/ready")[0] == 200
        assert server.get("/metrics")[0] == 200
        assert not (tmp_path / "data" / "postgres").exists()


def _wait_until_ready(server: Served, timeout_s: float = 30) -> None:
    give_up = time.monotonic() + timeout_s
    ready_in_a_row = 0
    while ready_in_a_row < 3:
        assert time.monotonic() < give_up
        try:
            ready_in_a_row = ready_in_a_row + 1 if server.get("/health/ready")[0] == 200 else 0
        except OSError:
            ready_in_a_row = 0
        time.sleep(0.2)


HTTP_PLACE, MLLP_PLACE = "127.0.0.1:65001", "127.0.0.1:65002"


def _page_commands() -> list[str]:
    page = start_page_content(load_settings(http_port=65001, mllp_port=65002), "en")
    commands = [command for use in page["uses"] for command in use.commands]
    # The demo has tests of its own, and takes minutes.
    return [command for command in commands if "osteon demo" not in command]


@pytest.mark.skipif(shutil.which("curl") is None, reason="the commands of the page use curl")
@pytest.mark.parametrize("command", _page_commands())
def test_start_page__command_works_as_written(server: Served, command: str) -> None:
    here = command.replace(HTTP_PLACE, f"127.0.0.1:{server.http_port}")
    here = here.replace(MLLP_PLACE, f"127.0.0.1:{server.mllp_port}")
    if "/ingest/" in here and not entry_points(group="osteon.routes"):
        pytest.skip("the journal has no page yet")
    done = subprocess.run(  # noqa: S602 — as a reader of the page runs it
        here.replace("curl ", "curl --silent --show-error --fail-with-body "),
        shell=True,
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
