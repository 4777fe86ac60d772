"""The journeys load into a server, and one plain search answers each question of the network.

Beside them stand patients who resemble those that are asked for, and some who are asked for under another
code (`look_alikes`). Real HTTP, a server of its own.
"""

import json
from collections.abc import Iterator
from http.client import HTTPConnection
from urllib.parse import quote

import pytest

from fhir_server.model.json_source import encode_json
from tests.platform.served import ANSWERS_WITHIN_S, Served, served
from tests.profiles.look_alikes import IN_OTHER_WORDS, RESEMBLING
from tests.profiles.network import ROOT, example_paths

QUESTIONS = {
    "chordomas with a discordant second reading": (
        (
            "Condition?morphology=9370/3,9371/3,9372/3"
            "&_has:Observation:tumour:concordance=partial,complete"
        ),
        ["CH-2021-1", "CH-2021-1-chondroid"],
    ),
    "frozen Ewing samples with a known fusion, shared": (
        (
            "Specimen?type=tissue-frozen&status=available&tumour.morphology=9364/3,9260/3"
            "&tumour._has:Observation:tumour:known-fusion=true"
            "&patient._has:Consent:patient:permitted-use-until=partner-sharing$ge2026-11-22"
        ),
        ["B24-220-F", "B24-220-F-fish", "B24-220-F-lasting", "B24-220-F-legacy"],
    ),
    "tumours discussed before the first treatment": (
        "Condition?_has:CarePlan:tumour:meeting-timing=before-biopsy,before-treatment",
        None,
    ),
    "recurrences within a year of surgery": (
        "Condition?code=local-recurrence&time-since-surgery=le12|http://unitsofmeasure.org|mo",
        ["chondrosarcoma-pelvis-29", "chondrosarcoma-pelvis-29-edge"],
    ),
    "second tumours": ("Condition?tumour-number=2", ["MO-2025-2"]),
}
"""Question, search, and the numbers that it finds; None where a test of its own says so."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(tmp_path_factory.mktemp("questions") / "data") as running:
        for path in example_paths("journeys"):
            send(running, path.read_bytes())
        for bundle in (*RESEMBLING, *IN_OTHER_WORDS):
            send(running, encode_json(bundle))
        yield running


def send(server: Served, bundle: bytes) -> list[str]:
    """The status of every entry of a transaction."""
    connection = HTTPConnection("127.0.0.1", server.http_port, timeout=ANSWERS_WITHIN_S)
    connection.request("POST", "/fhir", bundle, {"Content-Type": "application/fhir+json"})
    answer = connection.getresponse()
    content = json.loads(answer.read())
    connection.close()
    assert answer.status == 200, content
    return [entry["response"]["status"][:3] for entry in content["entry"]]


def found(server: Served, search: str) -> list[str]:
    """The first number of every resource that a search finds."""
    bundle = server.get_json(f"/fhir/{quote(search, safe='?=&:/,.')}&_count=200")
    assert bundle["resourceType"] == "Bundle", bundle
    return sorted(entry["resource"]["identifier"][0]["value"] for entry in bundle["entry"])


@pytest.mark.parametrize(
    "question", [name for name, (_, numbers) in QUESTIONS.items() if numbers is not None]
)
def test_question__finds_those_who_are_asked_for(server: Served, question: str) -> None:
    search, numbers = QUESTIONS[question]
    assert found(server, search) == numbers


def test_question__finds_tumours_discussed_before_the_first_treatment(server: Served) -> None:
    """All but those discussed late or not yet, and the one that was first discussed before its surgery."""
    search, _ = QUESTIONS["tumours discussed before the first treatment"]
    discussed = found(server, search)
    every = found(server, "Condition?topography=C40.0,C40.2,C41.2,C41.4&morphology:missing=false")
    assert {"CS-2023-1", "GC-2022-1-early"} <= set(discussed)
    assert set(every) - set(discussed) == {
        "GC-2022-1-late",
        "GC-2022-1-planned",
        "MO-2015-1",
        "MO-2025-2",
    }


def test_questions__stand_in_the_documentation() -> None:
    page = (ROOT.parent / "docs" / "profiles.md").read_text(encoding="utf-8")
    questions = [search for name, (search, _) in QUESTIONS.items() if name != "second tumours"]
    assert [search for search in questions if search.replace("|", "\\|") not in page] == []


def test_journeys__sent_again_create_nothing(server: Served) -> None:
    again = {
        status for path in example_paths("journeys") for status in send(server, path.read_bytes())
    }
    assert again == {"200"}
