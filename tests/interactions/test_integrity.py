"""Conditional deletes of several, and referential integrity."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from starlette.testclient import TestClient

from fhir_server.http.app import create_app
from fhir_server.interactions.server import FhirServer
from tests.interactions.bundling import (
    bundle,
    condition,
    entry,
    identified,
    statuses,
    total,
)
from tests.interactions.test_create_update_delete import issue, issue_id, patient

WithSettings = Callable[..., TestClient]


@pytest.fixture
def with_settings(server: FhirServer) -> WithSettings:
    def make(**settings: Any) -> TestClient:
        changed = replace(server, settings=server.settings.model_copy(update=settings))
        return TestClient(create_app(changed), raise_server_exceptions=False)

    return make


def test_conditional_delete__refuses_several(client: TestClient) -> None:
    for _ in range(2):
        client.post("/fhir/Patient", json=identified("1"))
    response = client.delete("/fhir/Patient?identifier=urn:x|1")
    assert (response.status_code, issue_id(response)) == (412, "delete-too-many")
    assert total(client, "Patient?identifier=urn:x|1") == 2


@pytest.mark.parametrize(("matches", "status", "left"), [(0, 204, 0), (3, 204, 0), (4, 412, 4)])
def test_conditional_delete__takes_several_up_to_the_limit(
    with_settings: WithSettings, matches: int, status: int, left: int
) -> None:
    client = with_settings(conditional_delete_limit=3)
    for _ in range(matches):
        client.post("/fhir/Patient", json=identified("1"))
    assert client.delete("/fhir/Patient?identifier=urn:x|1").status_code == status
    assert total(client, "Patient?identifier=urn:x|1") == left


def test_transaction__deletes_several_by_criteria(with_settings: WithSettings) -> None:
    client = with_settings(conditional_delete_limit=10)
    for _ in range(2):
        client.post("/fhir/Patient", json=identified("1"))
    response = client.post("/fhir", json=bundle(entry("DELETE", "Patient?identifier=urn:x|1")))
    assert statuses(response) == ["204"]
    assert total(client, "Patient?identifier=urn:x|1") == 0


def test_integrity__is_off_by_default(client: TestClient) -> None:
    assert client.post("/fhir/Condition", json=condition("Patient/none")).status_code == 201


def test_integrity__reference_must_lead_somewhere(with_settings: WithSettings) -> None:
    client = with_settings(referential_integrity=True)
    response = client.post("/fhir/Condition", json=condition("Patient/a"))
    assert (response.status_code, issue_id(response)) == (422, "reference-target-missing")
    assert issue(response)["expression"] == ["Condition.subject.reference"]
    client.put("/fhir/Patient/a", json=patient(id="a"))
    for subject in (
        "Patient/a",
        "http://testserver/fhir/Patient/a",
        "http://other.example/Patient/z",
    ):
        assert client.post("/fhir/Condition", json=condition(subject)).status_code == 201


def test_integrity__what_is_referred_to_stays(with_settings: WithSettings) -> None:
    client = with_settings(referential_integrity=True)
    client.put("/fhir/Patient/a", json=patient(id="a"))
    client.put("/fhir/Condition/c", json=condition("Patient/a", id="c"))
    response = client.delete("/fhir/Patient/a")
    assert (response.status_code, issue_id(response)) == (409, "delete-referenced")
    assert "Condition/c" in issue(response)["details"]["text"]
    assert client.delete("/fhir/Condition/c").status_code == 204
    assert client.delete("/fhir/Patient/a").status_code == 204


def test_integrity__what_a_contained_resource_refers_to_stays(with_settings: WithSettings) -> None:
    client = with_settings(referential_integrity=True)
    client.put("/fhir/Patient/a", json=patient(id="a"))
    client.put("/fhir/Patient/b", json=patient(id="b"))
    inner = {**condition("Patient/a", id="inner")}
    outer = {**condition("Patient/b", id="c"), "contained": [inner],
             "evidence": [{"detail": [{"reference": "#inner"}]}]}  # fmt: skip
    assert client.put("/fhir/Condition/c", json=outer).status_code == 201
    response = client.delete("/fhir/Patient/a")
    assert (response.status_code, issue_id(response)) == (409, "delete-referenced")
    assert "Condition/c" in issue(response)["details"]["text"]
    assert client.delete("/fhir/Condition/c").status_code == 204
    assert client.delete("/fhir/Patient/a").status_code == 204


def test_integrity__a_transaction_is_judged_as_a_whole(with_settings: WithSettings) -> None:
    client = with_settings(referential_integrity=True)
    both = bundle(
        entry("PUT", "Condition/c", condition("Patient/a", id="c")),
        entry("PUT", "Patient/a", patient(id="a")),
    )
    assert client.post("/fhir", json=both).status_code == 200
    gone = bundle(entry("DELETE", "Patient/a"), entry("DELETE", "Condition/c"))
    assert client.post("/fhir", json=gone).status_code == 200


def test_integrity__holds_when_reference_and_deletion_meet(with_settings: WithSettings) -> None:
    client = with_settings(referential_integrity=True)

    def race(number: int) -> tuple[int, int]:
        name = f"p{number}"
        client.put(f"/fhir/Patient/{name}", json=patient(id=name))
        with ThreadPoolExecutor(2) as threads:
            made = threads.submit(client.post, "/fhir/Condition", json=condition(f"Patient/{name}"))
            gone = threads.submit(client.delete, f"/fhir/Patient/{name}")
        return made.result().status_code, gone.result().status_code

    assert {race(number) for number in range(20)} <= {(201, 409), (422, 204)}
