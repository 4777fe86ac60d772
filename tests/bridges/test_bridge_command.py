import http.server
import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from fhir_server.cli.main import run
from tests.profiles.network import example, example_paths

JOURNEY = next(path for path in example_paths("journeys") if path.stem == "ewing-fusion")


@pytest.fixture
def base() -> Iterator[str]:
    """A server that gives the resources of a journey two at a time, with links to the next page."""
    entries = example(JOURNEY)["entry"]
    ports: list[int] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            kind, _, query = self.path.removeprefix("/fhir/").partition("?")
            start = int(query.partition("from=")[2] or 0)
            found = [each for each in entries if each["resource"]["resourceType"] == kind]
            address = f"http://127.0.0.1:{ports[0]}/fhir/{kind}?from={start + 2}"
            link = [{"relation": "next", "url": address}] if start + 2 < len(found) else []
            page = {"resourceType": "Bundle", "link": link, "entry": found[start : start + 2]}
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps(page, default=float).encode())

        def log_message(self, *args: object) -> None:
            """Nothing: the output belongs to the command."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        ports.append(server.server_port)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{ports[0]}/fhir"
        server.shutdown()


def test_command__takes_files_and_servers_alike(
    tmp_path: Path, base: str, capsys: pytest.CaptureFixture[str]
) -> None:
    key = f"--key={tmp_path / 'key'}"
    assert run(["bridge", "osiris", str(JOURNEY), key, f"--out={tmp_path / 'file'}"]) == 0
    assert run(["bridge", "osiris", f"--base={base}", key, f"--out={tmp_path / 'server'}"]) == 0
    for path in (tmp_path / "file").glob("*.csv"):
        assert path.read_bytes() == (tmp_path / "server" / path.name).read_bytes()
    assert "manifest.json" in capsys.readouterr().err


def test_command__names_the_bridges_for_one_that_is_none(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(["bridge", "omop", str(JOURNEY)]) == 1
    assert "eu-rd-cds-16, idea4rc, mcode, miabis, osiris" in capsys.readouterr().err


def test_command__says_which_file_is_at_fault(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = tmp_path / "broken.json"
    broken.write_text("{")
    assert run(["bridge", "mcode", str(broken)]) == 1
    assert "broken.json" in capsys.readouterr().err


def test_command__ends_with_three_where_nobody_answers(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(["bridge", "mcode", "--base=http://127.0.0.1:9/fhir"]) == 3
    assert capsys.readouterr().err.startswith("osteon: http://127.0.0.1:9/fhir/Patient")


def test_command__gives_a_partner_the_same_pseudonyms_by_a_key(tmp_path: Path) -> None:
    key = tmp_path / "key"
    for out, partner in (("first", "curie"), ("again", "curie"), ("other", "padova")):
        arguments = [f"--partner={partner}", f"--key={key}", f"--out={tmp_path / out}"]
        assert run(["bridge", "osiris", str(JOURNEY), *arguments]) == 0
    first, again, other = (
        (tmp_path / out / "Patient.csv").read_bytes() for out in ("first", "again", "other")
    )
    assert first == again
    assert first != other
    assert key.stat().st_mode & 0o077 == 0


def test_command__without_a_key_makes_pseudonyms_that_nobody_can_join(tmp_path: Path) -> None:
    for out in ("first", "again"):
        assert run(["bridge", "osiris", str(JOURNEY), f"--out={tmp_path / out}"]) == 0
    first, again = ((tmp_path / out / "Patient.csv").read_bytes() for out in ("first", "again"))
    assert first != again


@pytest.mark.parametrize("kept", ["not a key", "abcd"])
def test_command__refuses_a_key_that_is_none(
    tmp_path: Path, kept: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "key").write_text(kept)
    assert run(["bridge", "osiris", str(JOURNEY), f"--key={tmp_path / 'key'}"]) == 1
    assert kept not in capsys.readouterr().err
