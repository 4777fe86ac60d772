import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.client import HTTPException
from importlib.metadata import entry_points
from pathlib import Path

import psutil
import psycopg
import pytest

from fhir_server.cli.supervisor import POSTGRES_ENDS_WITHIN_S, WORKERS_END_WITHIN_S
from fhir_server.http.start_page import start_page_content
from fhir_server.settings import load_settings
from fhir_server.store.embedded_postgres import running_url
from tests.platform.served import ENDS_WITHIN_S, Served, served
from tests.processes import kill_all

_WITHOUT_HASTE = (
    "from fhir_server.cli import main, supervisor;"
    "supervisor.WORKERS_END_WITHIN_S = supervisor.POSTGRES_ENDS_WITHIN_S = 3600.0;"
    "main.main()"
)
PATIENT = (sys.executable, "-c", _WITHOUT_HASTE)
"""`osteon` that kills nothing for want of time: what ends, ends by itself."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(tmp_path_factory.mktemp("served")) as running:
        yield running


def _run(server: Served) -> tuple[int, str]:
    process = server.command()
    _, faults = process.communicate(timeout=ENDS_WITHIN_S)
    return process.returncode, faults


def _remember(server: Served, text: str) -> None:
    with psycopg.connect(str(running_url(server.data_dir)), autocommit=True) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS remembered (text text)")
        connection.execute("INSERT INTO remembered VALUES (%s)", [text])


def _remembered(server: Served) -> list[str]:
    with psycopg.connect(str(running_url(server.data_dir))) as connection:
        return [row[0] for row in connection.execute("SELECT text FROM remembered ORDER BY 1")]


def _left_of(processes: list[psutil.Process]) -> list[psutil.Process]:
    """Those that do not end."""
    return psutil.wait_procs(processes, timeout=ENDS_WITHIN_S)[1]


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
def test_serve__signal_ends_everything_in_order(tmp_path: Path, number: int) -> None:
    with served(tmp_path, program=PATIENT) as server:
        below = server.descendants()
        with socket.create_connection(("127.0.0.1", server.http_port)):
            server.end(number)
        assert server.process is not None
        assert server.process.returncode == 0
        assert _left_of(below) == []
    assert "database system is shut down" in (tmp_path / "postgres.log").read_text()


def test_serve__ends_within_five_seconds_whatever_its_processes_do() -> None:
    assert WORKERS_END_WITHIN_S + POSTGRES_ENDS_WITHIN_S < 5


def test_serve__killed_supervisor_takes_all_with_it_and_the_next_start_has_the_data(
    tmp_path: Path,
) -> None:
    with served(tmp_path) as server:
        _remember(server, "before")
        below = server.descendants()
        server.end(signal.SIGKILL)
        assert _left_of(below) == []
        server.start()
        assert _remembered(server) == ["before"]


def test_serve__everything_killed_at_once_recovers(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        _remember(server, "before")
        below = server.descendants()
        for process in [*below, server.supervisor()]:
            # A backend may still be ending whose connection was closed a moment ago.
            with suppress(psutil.NoSuchProcess):
                process.suspend()
        kill_all(below)
        server.end(signal.SIGKILL)
        server.start()
        assert _remembered(server) == ["before"]


def test_serve__what_is_killed_comes_back_with_its_data(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        _remember(server, "before")
        _kill(*server.processes_of("fhir_server.http.server"))
        _wait_until(lambda: _is_ready(server))
        lock_file = server.data_dir / "postgres" / "postmaster.pid"
        _kill(psutil.Process(int(lock_file.read_text().splitlines()[0])))
        _wait_until(lambda: running_url(server.data_dir) is not None)
        _wait_until(lambda: _is_ready(server))
        assert _remembered(server) == ["before"]


def _kill(*processes: psutil.Process) -> None:
    assert kill_all(list(processes)) > 0
    assert _left_of(list(processes)) == []


def test_serve__several_web_processes_on_a_given_database(
    tmp_path: Path, empty_database_url: str
) -> None:
    variables = {"OSTEON_DATABASE_URL": empty_database_url, "OSTEON_WEB_PROCESSES": "2"}
    with served(tmp_path / "data", **variables) as server:
        assert server.get("/health/ready")[0] == 200
        assert server.get("/metrics")[0] == 200
        assert not (tmp_path / "data" / "postgres").exists()


def _wait_until(is_met: Callable[[], bool]) -> None:
    give_up = time.monotonic() + ENDS_WITHIN_S
    while not is_met():
        assert time.monotonic() < give_up
        time.sleep(0.05)


def _is_ready(server: Served) -> bool:
    with suppress(OSError, HTTPException):
        return server.get("/health/ready")[0] == 200
    return False


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
