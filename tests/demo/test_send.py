"""A whole network sent to stand-ins of both doors; the command's table, summary and exit codes."""

import json
import re
import socketserver
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from fhir_server.cli.main import run
from fhir_server.demo.centres import Centre
from fhir_server.demo.front_doors import Doors
from fhir_server.demo.mllp import END, START
from fhir_server.demo.network import patients
from fhir_server.demo.send import send_network

BASE = "http://server/fhir"


class StandIn:
    """A server that remembers what came in and refuses what holds `refused`."""

    def __init__(self) -> None:
        self.messages: list[bytes] = []
        self.entries: list[dict[str, Any]] = []
        self.order: list[str] = []
        self.refused = b"\0"
        self.waiting: list[list[int]] = []
        self.held: list[dict[str, Any]] = []
        self._lock = threading.Lock()

    def answer(self, request: httpx2.Request) -> httpx2.Response:
        """FHIR: a CapabilityStatement, or a transaction response that creates everything."""
        if request.url.path == "/ingest/messages":
            return self._journal(request.url.params)
        if request.method == "GET":
            return httpx2.Response(200, json={"resourceType": "CapabilityStatement"})
        if self.refused in request.content:
            return httpx2.Response(
                422, json={"issue": [{"severity": "error", "diagnostics": "no"}]}
            )
        entries = json.loads(request.content)["entry"]
        with self._lock:
            self.entries += entries
        types = [entry["resource"]["resourceType"] for entry in entries]
        responses = [{"response": {"status": "201", "location": f"{one}/1"}} for one in types]
        return httpx2.Response(200, json={"entry": responses})

    def _journal(self, query: httpx2.QueryParams) -> httpx2.Response:
        rows: list[dict[str, Any]] = []
        if "state" not in query:
            rows = [{"id": 7}]
        elif query["state"] == "received":
            rows = [{"id": number} for number in self.waiting.pop()] if self.waiting else []
        elif "before" not in query:
            rows = self.held
        return httpx2.Response(200, json={"messages": rows})

    def acknowledge(self, message: bytes) -> bytes:
        """MLLP: AA with the control id, AE for what is refused."""
        with self._lock:
            self.messages.append(message)
        code = b"AE" if self.refused in message else b"AA"
        return b"MSH|^~\\&|\rMSA|" + code + b"|" + message.split(b"|")[9] + b"\r"


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> StandIn:
    server = StandIn()

    def client(connections: int) -> httpx2.AsyncClient:
        return httpx2.AsyncClient(transport=httpx2.MockTransport(server.answer))

    monkeypatch.setattr("fhir_server.demo.send.http_client", client)
    return server


@pytest.fixture
def mllp(stand_in: StandIn) -> Iterator[str]:
    class Receiver(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            held = b""
            while received := self.request.recv(65536):
                held += received
                while END in held:
                    framed, _, held = held.partition(END)
                    answer = stand_in.acknowledge(framed.removeprefix(START))
                    self.request.sendall(START + answer + END)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Receiver) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def test_send__brings_every_patient_through_both_doors(
    stand_in: StandIn, mllp: str, centres: dict[str, Centre]
) -> None:
    host, _, port = mllp.partition(":")

    network, tally = send_network(patients(1, 30, centres), centres, Doors(BASE, host, int(port)))

    sent = Counter(entry["resource"]["resourceType"] for entry in stand_in.entries)
    assert (sent["Organization"], sent["Patient"]) == (24, 30)
    assert tally.created == sent
    assert network.patients == 30
    assert tally.accepted.total() == len(stand_in.messages) + 61
    assert not tally.refused


def test_send__keeps_the_order_of_each_patient(
    stand_in: StandIn, mllp: str, centres: dict[str, Centre]
) -> None:
    host, _, port = mllp.partition(":")

    send_network(patients(1, 30, centres), centres, Doors(BASE, host, int(port)))

    times: dict[bytes, list[bytes]] = {}
    for message in stand_in.messages:
        patient = re.search(rb"\rPID\|1\|\|(\d+)", message)
        assert patient
        times.setdefault(patient[1], []).append(message.split(b"|")[6][:14])
    assert all(moments == sorted(moments) for moments in times.values())


def test_command__ends_with_a_table_and_zero(
    stand_in: StandIn, mllp: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    summary = tmp_path / "summary.json"

    code = run(["demo", "--patients=5", f"--base={BASE}", f"--mllp={mllp}", f"--summary={summary}"])

    shown = capsys.readouterr()
    written = json.loads(summary.read_text(encoding="utf-8"))
    assert code == 0
    assert shown.err == ""
    assert all(word in shown.out for word in ("Bundle, clinical", "ADT^A28", "ORU^R01", "refused"))
    assert written["resources"]["Patient"] == 5
    assert written["delivery"]["sent"]["Bundle, clinical"] == 5


def test_command__ends_with_one_and_the_reason_where_something_was_refused(
    stand_in: StandIn, mllp: str, capsys: pytest.CaptureFixture[str]
) -> None:
    stand_in.refused = b"ADT^A28"

    code = run(["demo", "--patients=5", f"--base={BASE}", f"--mllp={mllp}"])

    assert code == 1
    assert "osteon: refused or held 5 × ADT^A28: AE" in capsys.readouterr().err


def test_command__waits_for_its_messages_and_tells_what_is_held(
    stand_in: StandIn, mllp: str, capsys: pytest.CaptureFixture[str]
) -> None:
    stand_in.waiting = [[8], [9, 8]]
    issues = [{"text": "No map for this type."}]
    stand_in.held = [
        {"id": 9, "type": "ADT^A28", "issues": issues},
        {"id": 7, "type": "ADT^A28", "issues": issues},
    ]

    code = run(["demo", "--patients=5", f"--base={BASE}", f"--mllp={mllp}"])

    assert code == 1
    assert stand_in.waiting == []
    assert "osteon: refused or held 1 × ADT^A28: No map for" in capsys.readouterr().err


def test_command__ends_with_three_and_one_line_where_nobody_listens(
    stand_in: StandIn, capsys: pytest.CaptureFixture[str]
) -> None:
    code = run(["demo", "--patients=5", f"--base={BASE}", "--mllp=127.0.0.1:9"])

    shown = capsys.readouterr()
    assert code == 3
    assert shown.err.startswith("osteon: cannot reach 127.0.0.1:9 (")
    assert shown.err.count("\n") == 1


def test_command__ends_with_two_where_an_address_is_none(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(["demo", "--mllp=nowhere"]) == 2
    assert "HOST:PORT" in capsys.readouterr().err


def test_command__writes_files_instead_of_sending(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["demo", "--patients=3", f"--out={tmp_path}"]) == 0
    assert {path.name for path in tmp_path.iterdir()} == {
        "bundles.ndjson",
        "messages.mllp",
        "summary.json",
    }
