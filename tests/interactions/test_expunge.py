from dataclasses import replace
from typing import Any

import pytest
from pydantic import SecretStr
from starlette.testclient import TestClient

from fhir_server.http.app import create_app
from fhir_server.interactions.server import FhirServer
from tests.interactions.bundling import bundle, entry, identified
from tests.interactions.test_create_update_delete import issue_id, patient

BEARER = {"Authorization": "Bearer right"}


@pytest.fixture
def expunging(server: FhirServer) -> TestClient:
    secret = {"operator_secret": SecretStr("right")}
    changed = replace(server, settings=server.settings.model_copy(update=secret))
    return TestClient(create_app(changed), raise_server_exceptions=False)


def expunge(client: TestClient, path: str, **parameters: Any) -> dict[str, Any]:
    response = client.post(f"/fhir/{path}/$expunge", params=parameters, headers=BEARER)
    assert response.status_code == 200, response.text
    return {
        one["name"]: next(value for key, value in one.items() if key.startswith("value"))
        for one in response.json()["parameter"]
    }


def test_expunge__needs_the_secret(client: TestClient, expunging: TestClient) -> None:
    path = "/fhir/Patient/a/$expunge?scope=everything"
    assert issue_id(client.post(path, headers=BEARER)) == "operator-off"
    for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic right"}):
        response = expunging.post(path, headers=headers)
        assert (response.status_code, issue_id(response)) == (401, "operator-unauthorised")
        assert response.headers["WWW-Authenticate"] == "Bearer"


def test_expunge__of_a_history_keeps_the_current_version(expunging: TestClient) -> None:
    for number in range(3):
        expunging.put("/fhir/Patient/a", json=patient(id="a", multipleBirthInteger=number))
    found = expunge(expunging, "Patient/a", scope="history")
    assert found == {"resources": 1, "versions": 2, "more": False}
    history = expunging.get("/fhir/Patient/a/_history").json()
    assert (history["total"], len(history["entry"])) == (1, 1)
    assert expunging.get("/fhir/Patient/a").json()["meta"]["versionId"] == "3"
    assert expunging.get("/fhir/Patient/a/_history/1").status_code == 404
    expunging.put("/fhir/Patient/a", json=patient(id="a", active=True))
    assert expunging.get("/fhir/Patient/a/_history").json()["total"] == 2


def test_expunge__of_everything_leaves_an_audit_event_alone(expunging: TestClient) -> None:
    sent = bundle(entry("POST", "Patient", identified("gone")))
    made = expunging.post("/fhir", json=sent, headers={"Prefer": "return=representation"}).json()
    name = made["entry"][0]["resource"]["id"]
    assert expunge(expunging, f"Patient/{name}", scope="everything")["versions"] == 2
    assert expunging.get(f"/fhir/Patient/{name}").status_code == 404
    assert expunging.get(f"/fhir/Patient/{name}/_history").status_code == 404
    assert "entry" not in expunging.get("/fhir/Patient?identifier=urn:x|gone").json()
    (audit,) = expunging.get("/fhir/AuditEvent").json()["entry"]
    assert audit["resource"]["action"] == "D"
    assert audit["resource"]["entity"][0]["name"] == f"Patient/{name}"
    # The kept answer of the transaction held the content: it is gone as well, and the Bundle is new again.
    again = expunging.post("/fhir", json=sent).json()
    assert f"Patient/{name}/" not in again["entry"][0]["response"]["location"]


def test_expunge__of_deleted_ones_takes_no_others(expunging: TestClient) -> None:
    for name in "abc":
        expunging.put(f"/fhir/Patient/{name}", json=patient(id=name))
    response = expunging.post("/fhir/Patient/a/$expunge?scope=deleted", headers=BEARER)
    assert (response.status_code, issue_id(response)) == (409, "expunge-not-deleted")
    for name in "ab":
        expunging.delete(f"/fhir/Patient/{name}")
    first = expunge(expunging, "Patient", scope="deleted", limit=1)
    assert first == {"resources": 1, "versions": 2, "more": True}
    assert expunge(expunging, "Patient", scope="deleted")["resources"] == 1
    assert expunging.get("/fhir/Patient/c").status_code == 200


def test_expunge__parameters_are_checked(expunging: TestClient) -> None:
    for query in ("", "scope=all", "scope=history&limit=0", "scope=history&limit=x", "a=b"):
        response = expunging.post(f"/fhir/Patient/$expunge?{query}", headers=BEARER)
        assert response.status_code == 400
    response = expunging.post("/fhir/Patient/none/$expunge?scope=everything", headers=BEARER)
    assert response.status_code == 404
