"""The journeys load into a server, and plain search answers the questions of the network."""

from dataclasses import replace
from typing import Any

import pytest
from starlette.testclient import TestClient

from fhir_server.http.app import create_app
from fhir_server.interactions.server import FhirServer, open_server
from fhir_server.settings import Settings
from fhir_server.store.database import Database
from tests.profiles.network import example_paths

QUESTIONS = {
    "chordomas with a discordant second reading": (
        "Condition?morphology=9370/3&_has:Observation:tumour:concordance=partial,complete",
        ["CH-2021-1"],
    ),
    "frozen Ewing samples with a known fusion, shared": (
        (
            "Specimen?type=tissue-frozen&tumour.morphology=9364/3"
            "&tumour._has:Observation:tumour:fusion:not=none-found"
            "&patient._has:Consent:patient:use=partner-sharing"
            "&patient._has:Consent:patient:decision=permit"
        ),
        ["B24-220-F"],
    ),
    "tumours discussed before the first treatment": (
        "Condition?_has:CarePlan:tumour:meeting-timing=before-biopsy,before-treatment",
        ["CH-2021-1", "EW-2024-1", "GC-2022-1", "OS-2024-1"],
    ),
    "recurrences within a year of surgery": (
        "Condition?code=local-recurrence&time-since-surgery=le12",
        ["chondrosarcoma-pelvis-29"],
    ),
    "second tumours": ("Condition?tumour-number=2", ["MO-2025-2"]),
}


@pytest.fixture(scope="module")
def opened() -> FhirServer:
    settings = Settings(base_url="http://testserver/fhir")
    return open_server(settings, Database("postgresql:///never-opened"))


@pytest.fixture
def client(opened: FhirServer, database: Database) -> TestClient:
    return TestClient(create_app(replace(opened, database=database)))


def send_journeys(client: TestClient) -> list[str]:
    """The status of every entry of the six transactions."""
    found: list[str] = []
    for path in example_paths("journeys"):
        answer = client.post(
            "/fhir",
            content=path.read_bytes(),
            headers={"Content-Type": "application/fhir+json"},
        )
        assert answer.status_code == 200, answer.text
        found += [entry["response"]["status"][:3] for entry in answer.json()["entry"]]
    return found


def numbers(bundle: dict[str, Any]) -> list[str]:
    return sorted(entry["resource"]["identifier"][0]["value"] for entry in bundle["entry"])


def test_journeys__answer_the_questions_of_the_network(client: TestClient) -> None:
    with client:
        send_journeys(client)
        found = {
            question: numbers(client.get(f"/fhir/{search}").json())
            for question, (search, _) in QUESTIONS.items()
        }
    assert found == {question: expected for question, (_, expected) in QUESTIONS.items()}


def test_journeys__sent_again_create_nothing(client: TestClient) -> None:
    with client:
        send_journeys(client)
        assert set(send_journeys(client)) == {"200"}
