"""The whole way, as a newcomer goes it: the server by its command, a Bundle in, HL7 v2 in, search out."""

import json
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.platform.served import ANSWERS_WITHIN_S, Served, served

IPP = "https://osteon.example/sid/ipp/C01"
HEADER = "20260301101500||ADT^A28^ADT_A05|WAY-1|T|2.5|||||FRA|UNICODE UTF-8"
ADMISSION = "\r".join(
    [
        r"MSH|^~\&|DPI-C01|CENTRE-C01|OSTEON|RESEAU|" + HEADER,
        "EVN||20260301101500",
        "PID|||WAY0001^^^IPP-C01^PI||EXEMPLE^CAMILLE^^^^^L||20080514|F|||||||||||||||||||||||VALI",
        "PV1||N",
    ]
)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(tmp_path_factory.mktemp("way")) as running:
        yield running


def post(server: Served, path: str, resource: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    request = urllib.request.Request(
        f"http://127.0.0.1:{server.http_port}{path}",
        json.dumps(resource).encode(),
        {"Content-Type": "application/fhir+json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=ANSWERS_WITHIN_S) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as refused:
        return refused.code, json.load(refused)


def send_mllp(server: Served, message: str) -> str:
    with socket.create_connection(
        ("127.0.0.1", server.mllp_port), timeout=ANSWERS_WITHIN_S
    ) as line:
        line.sendall(b"\x0b" + message.encode() + b"\r\x1c\r")
        received = b""
        while not received.endswith(b"\x1c\r"):
            chunk = line.recv(65536)
            assert chunk, "the connection was closed without an acknowledgement"
            received += chunk
    return received.strip(b"\x0b\x1c\r").decode()


def patients(server: Served, search: str) -> list[dict[str, Any]]:
    found = server.get_json(f"/fhir/Patient?{search}")
    return [entry["resource"] for entry in found.get("entry", [])]


def wait_for_patients(server: Served, search: str) -> list[dict[str, Any]]:
    give_up = time.monotonic() + ANSWERS_WITHIN_S
    while time.monotonic() < give_up:
        if found := patients(server, search):
            return found
        time.sleep(0.1)
    raise AssertionError(json.dumps(server.get_json("/ingest/messages"))[:2000])


def example(name: str) -> dict[str, Any]:
    folder = Path(__file__).parents[1] / "profiles" / "examples" / "valid"
    resource: dict[str, Any] = json.loads((folder / name).read_text())
    return resource


def test_whole_way__bundle_in_search_out(server: Served) -> None:
    resource = example("patient-adolescent.json")
    identifier = resource["identifier"][0]
    criteria = f"identifier={identifier['system']}|{identifier['value']}"
    entry = {
        "fullUrl": "urn:uuid:1",
        "resource": resource,
        "request": {"method": "POST", "url": "Patient", "ifNoneExist": criteria},
    }
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": [entry]}
    first, second = post(server, "/fhir", bundle), post(server, "/fhir", bundle)
    assert (first[0], second[0]) == (200, 200)
    assert first[1]["entry"][0]["response"]["status"].startswith("201")
    assert second[1]["entry"][0]["response"]["status"].startswith("200")
    assert len(patients(server, criteria)) == 1


def test_whole_way__v2_in_search_out(server: Served) -> None:
    first, second = send_mllp(server, ADMISSION), send_mllp(server, ADMISSION)
    assert "MSA|AA|WAY-1" in first
    assert second == first
    found = wait_for_patients(server, f"identifier={IPP}|WAY0001")
    assert [p["birthDate"] for p in found] == ["2008-05-14"]
    assert "stored" in json.dumps(server.get_json("/ingest/messages"))


def test_whole_way__validate_says_what_is_wrong(server: Served) -> None:
    tumour = example("tumour-osteosarcoma.json")
    del tumour["bodySite"]
    status, outcome = post(server, "/fhir/Condition/$validate", tumour)
    assert status == 200
    errors = [i for i in outcome["issue"] if i["severity"] == "error"]
    assert any("bodySite" in i["details"]["text"] for i in errors)
    assert all(i["diagnostics"] for i in errors)


def test_whole_way__misspelt_parameter_is_refused(server: Served) -> None:
    status, _, body = server.get("/fhir/Patient?identifer=x")
    assert status == 400
    assert b"identifier" in body
