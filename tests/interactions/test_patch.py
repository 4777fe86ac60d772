"""What patches of every kind have in common."""

import pytest
from starlette.testclient import TestClient

from tests.interactions.patches import json_patch, nested
from tests.interactions.test_create_update_delete import issue_id, patient


def test_patch__of_another_kind_is_told_which_there_are(client: TestClient) -> None:
    client.put("/fhir/Patient/a", json=patient(id="a"))
    merge = {"Content-Type": "application/merge-patch+json"}
    answer = client.patch("/fhir/Patient/a", content="{}", headers=merge)
    assert answer.status_code == 415
    assert "application/json-patch+json" in answer.headers["Accept-Patch"]


def test_patch__of_too_many_operations_is_refused(client: TestClient) -> None:
    client.put("/fhir/Patient/a", json=patient(id="a"))
    answer = json_patch(client, "/fhir/Patient/a", *[{"op": "remove", "path": "/x"}] * 10_001)
    assert (answer.status_code, issue_id(answer)) == (400, "patch-too-long")


def test_patch__that_nests_too_deeply_is_refused(client: TestClient) -> None:
    client.put("/fhir/Patient/a", json=patient(id="a", extension=[nested(98)]))
    place = "/extension/0" * 99 + "/extension"
    deeper = {"op": "add", "path": place, "value": [nested(1)]}
    without = {"op": "remove", "path": "/extension/0" * 99 + "/valueString"}
    answer = json_patch(client, "/fhir/Patient/a", without, deeper)
    assert (answer.status_code, issue_id(answer)) == (422, "json-syntax")
    for url in ("Patient/a?_format=xml", "Patient?_id=a&_format=xml", "_history?_pretty=true"):
        assert client.get(f"/fhir/{url}").status_code == 200


def test_patch__of_no_operations_changes_nothing(client: TestClient) -> None:
    client.put("/fhir/Patient/a", json=patient(id="a"))
    empty = client.patch("/fhir/Patient/a", json={"resourceType": "Parameters"})
    none = json_patch(client, "/fhir/Patient/a")
    assert [answer.status_code for answer in (empty, none)] == [200, 200]
    assert none.json()["meta"]["versionId"] == "1"


def test_patch__other_content_is_refused(client: TestClient) -> None:
    client.put("/fhir/Patient/a", json=patient(id="a"))
    response = client.patch("/fhir/Patient/a", content="x", headers={"Content-Type": "text/plain"})
    assert (response.status_code, issue_id(response)) == (415, "patch-media-type")


def test_patch__what_is_not_there_is_not_found(client: TestClient) -> None:
    change = {"op": "add", "path": "/gender", "value": "male"}
    assert json_patch(client, "/fhir/Patient/none", change).status_code == 404
    client.put("/fhir/Patient/a", json=patient(id="a"))
    client.delete("/fhir/Patient/a")
    assert json_patch(client, "/fhir/Patient/a", change).status_code == 410


def test_patch__if_match_names_the_current_version(client: TestClient) -> None:
    client.put("/fhir/Patient/a", json=patient(id="a"))
    change = {"op": "add", "path": "/gender", "value": "male"}
    stale = json_patch(client, "/fhir/Patient/a", change, **{"If-Match": 'W/"7"'})
    fresh = json_patch(client, "/fhir/Patient/a", change, **{"If-Match": 'W/"1"'})
    assert (stale.status_code, fresh.status_code) == (412, 200)


def test_patch__without_effect_makes_no_version(client: TestClient) -> None:
    client.put("/fhir/Patient/a", json=patient(id="a"))
    response = json_patch(
        client, "/fhir/Patient/a", {"op": "test", "path": "/active", "value": True}
    )
    assert (response.status_code, response.json()["meta"]["versionId"]) == (200, "1")


@pytest.mark.parametrize(("matches", "status"), [(0, 404), (1, 200), (2, 412)])
def test_conditional_patch__takes_the_one_match(
    client: TestClient, matches: int, status: int
) -> None:
    for _ in range(matches):
        client.post("/fhir/Patient", json=patient(identifier=[{"system": "urn:x", "value": "1"}]))
    change = {"op": "add", "path": "/gender", "value": "male"}
    response = json_patch(client, "/fhir/Patient?identifier=urn:x|1", change)
    assert response.status_code == status
