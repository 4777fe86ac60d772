from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.interactions.test_create_update_delete import issue_id, patient


def severities(response: Any) -> set[str]:
    assert response.status_code == 200, response.text
    return {one["severity"] for one in response.json()["issue"]}


def issue_ids(response: Any) -> list[str]:
    return [one["details"]["coding"][0]["code"] for one in response.json()["issue"]]


def test_validate__rehearsed_writes_leave_nothing(client: TestClient) -> None:
    response = client.post("/fhir/Patient/$validate?mode=create", json=patient())
    assert "error" not in severities(response)
    response = client.post("/fhir/Patient/a/$validate?mode=update", json=patient(id="a"))
    assert "error" not in severities(response)
    assert client.get("/fhir/_history").json().get("entry") is None


def test_validate__update_says_what_an_update_would(client: TestClient) -> None:
    response = client.post("/fhir/Patient/a/$validate?mode=update", json=patient(id="b"))
    assert "id-mismatch" in issue_ids(response)
    response = client.post("/fhir/Patient/$validate?mode=update", json=patient())
    assert (response.status_code, issue_id(response)) == (400, "validate-no-target")


def test_validate__delete_needs_no_content(client: TestClient) -> None:
    assert issue_id(client.post("/fhir/Patient/a/$validate?mode=delete")) == "resource-not-found"
    client.put("/fhir/Patient/a", json=patient(id="a"))
    assert "error" not in severities(client.post("/fhir/Patient/a/$validate?mode=delete"))
    assert client.get("/fhir/Patient/a").status_code == 200


def test_validate__create_says_what_is_wrong_with_a_subscription(client: TestClient) -> None:
    subscription = {
        "resourceType": "Subscription",
        "status": "requested",
        "reason": "x",
        "criteria": "Patient?nmae=x",
        "channel": {"type": "rest-hook", "endpoint": "http://127.0.0.1:9/"},
    }
    response = client.post("/fhir/Subscription/$validate?mode=create", json=subscription)
    assert "subscription-criteria" in issue_ids(response)


def test_validate__profile_mode_needs_a_profile(client: TestClient) -> None:
    response = client.post("/fhir/Patient/$validate?mode=profile", json=patient())
    assert (response.status_code, issue_id(response)) == (400, "validate-no-profile")


@pytest.mark.parametrize(
    ("parameter", "expected"),
    [
        ({"name": "profil", "valueUri": "http://x"}, "operation-parameter-unknown"),
        ({"name": "profile", "valueBoolean": True}, "operation-parameter-value"),
        ({"name": "mode", "valueInteger": 1}, "operation-parameter-value"),
    ],
)
def test_validate__parameter_that_cannot_be_used_is_refused(
    client: TestClient, parameter: dict[str, Any], expected: str
) -> None:
    given = [{"name": "resource", "resource": patient()}, parameter]
    sent = {"resourceType": "Parameters", "parameter": given}
    answer = client.post("/fhir/Patient/$validate", json=sent)
    assert (answer.status_code, issue_id(answer)) == (400, expected)
    assert answer.json()["issue"][0]["expression"] == ["Parameters.parameter[1]"]
