"""$snapshot, over HTTP."""

from typing import Any

import pytest
from starlette.testclient import TestClient

BASE = "http://hl7.org/fhir/StructureDefinition/Patient"
PROFILE = {
    "resourceType": "StructureDefinition", "url": "http://example.org/named", "name": "Named",
    "status": "draft", "kind": "resource", "abstract": False, "type": "Patient", "baseDefinition": BASE,
    "derivation": "constraint",
    "differential": {"element": [{"id": "Patient.name", "path": "Patient.name", "min": 1}]},
}  # fmt: skip
URL = "/fhir/StructureDefinition/$snapshot"


def _name(structure: dict[str, Any]) -> Any:
    assert structure["resourceType"] == "StructureDefinition"
    return next(e for e in structure["snapshot"]["element"] if e["id"] == "Patient.name")


@pytest.mark.parametrize(
    "content",
    [PROFILE,
     {"resourceType": "Parameters", "parameter": [{"name": "definition", "resource": PROFILE}]}],
)  # fmt: skip
def test_snapshot__of_what_is_sent(client: TestClient, content: dict[str, Any]) -> None:
    response = client.post(URL, json=content)
    assert response.status_code == 200
    assert _name(response.json())["min"] == 1
    assert response.json()["differential"] == PROFILE["differential"]


def test_snapshot__of_a_loaded_url(client: TestClient) -> None:
    asked = {"resourceType": "Parameters", "parameter": [{"name": "url", "valueString": BASE}]}
    for response in (client.get(URL, params={"url": BASE}), client.post(URL, json=asked)):
        assert _name(response.json())["min"] == 0


def test_snapshot__of_a_stored_definition(client: TestClient) -> None:
    assert (
        client.put("/fhir/StructureDefinition/named", json={**PROFILE, "id": "named"}).status_code
        == 201
    )
    found = client.get("/fhir/StructureDefinition/named/$snapshot").json()
    assert (found["id"], _name(found)["min"]) == ("named", 1)


@pytest.mark.parametrize(
    ("content", "status", "issue_id"),
    [
        ({"resourceType": "Patient"}, 422, "snapshot-no-profile"),
        ([], 422, "snapshot-no-profile"),
        ({"resourceType": "Parameters", "parameter": 1}, 422, "snapshot-no-profile"),
        ({"resourceType": "StructureDefinition"}, 422, "profile-broken"),
        ({**PROFILE, "differential": [1]}, 422, "profile-broken"),
        ({**PROFILE, "baseDefinition": PROFILE["url"]}, 422, "profile-unknown-base"),
        ({**PROFILE, "baseDefinition": "http://example.org/none"}, 422, "profile-unknown-base"),
        ({"resourceType": "Parameters", "parameter": [{"name": "url", "valueString": "x"}]},
         404, "snapshot-profile-unknown"),
    ],
)  # fmt: skip
def test_snapshot__fault_is_refused_with_its_reason(
    client: TestClient, content: Any, status: int, issue_id: str
) -> None:
    response = client.post(URL, json=content)
    details = response.json()["issue"][0]["details"]
    assert (response.status_code, details["coding"][0]["code"]) == (status, issue_id)


def test_snapshot__other_types_have_none(client: TestClient) -> None:
    assert client.get("/fhir/Patient/$snapshot").status_code == 404


def test_capabilities__name_the_operation_where_it_is(client: TestClient) -> None:
    resources = client.get("/fhir/metadata").json()["rest"][0]["resource"]
    named = [r["type"] for r in resources for o in r["operation"] if o["name"] == "snapshot"]
    assert named == ["StructureDefinition"]
