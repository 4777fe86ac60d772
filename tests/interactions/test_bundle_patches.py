"""Patches as entries of a batch or transaction."""

import pytest
from starlette.testclient import TestClient

from tests.interactions.bundling import bundle, entry, statuses
from tests.interactions.patches import binary, operation, parameters
from tests.interactions.test_create_update_delete import issue, patient


@pytest.mark.parametrize("kind", ["transaction", "batch"])
def test_bundle__carries_patches(client: TestClient, kind: str) -> None:
    client.put("/fhir/Patient/a", json=patient(id="a"))
    client.put(
        "/fhir/Patient/b", json=patient(id="b", identifier=[{"system": "urn:x", "value": "1"}])
    )
    gender = operation("add", path="Patient", name="gender", value={"valueCode": "male"})
    response = client.post(
        "/fhir",
        json=bundle(
            entry("PATCH", "Patient/a", binary({"op": "add", "path": "/gender", "value": "male"})),
            entry("PATCH", "Patient?identifier=urn:x|1", parameters(gender)),
            kind=kind,
        ),
    )
    assert statuses(response) == ["200", "200"]
    assert client.get("/fhir/Patient/a").json()["gender"] == "male"
    assert client.get("/fhir/Patient/b").json()["gender"] == "male"


def test_transaction__patch_links_are_resolved(client: TestClient) -> None:
    client.put("/fhir/Patient/a", json=patient(id="a"))
    link = operation(
        "add", path="Patient", name="managingOrganization",
        value={"valueReference": {"reference": "urn:uuid:1"}},
    )  # fmt: skip
    response = client.post(
        "/fhir",
        json=bundle(
            entry("PATCH", "Patient/a", parameters(link)),
            entry("PUT", "Organization/o", {"resourceType": "Organization", "id": "o", "name": "x"},
                  fullUrl="urn:uuid:1"),
        ),
    )  # fmt: skip
    assert statuses(response) == ["200", "201"]
    found = client.get("/fhir/Patient/a").json()["managingOrganization"]
    assert found == {"reference": "Organization/o"}


def test_transaction__failing_patch_stores_nothing_and_is_named(client: TestClient) -> None:
    response = client.post(
        "/fhir",
        json=bundle(
            entry("PUT", "Patient/a", patient(id="a")),
            entry("PATCH", "Patient/none", binary({"op": "remove", "path": "/gender"})),
        ),
    )
    assert response.status_code == 404
    assert issue(response)["expression"] == ["Bundle.entry[1].resource"]
    assert client.get("/fhir/Patient/a").status_code == 404
