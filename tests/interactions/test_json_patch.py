"""JSON Patch: RFC 6902 on the JSON of a resource."""

from typing import Any

import pytest
from starlette.testclient import TestClient

from fhir_server.interactions.patching.json_patch import apply_json_patch
from tests.interactions.patches import JSON_PATCH, json_patch
from tests.interactions.test_create_update_delete import issue_id, patient

Json = dict[str, Any]


def test_json_patch__makes_a_version(client: TestClient) -> None:
    client.put("/fhir/Patient/a", json=patient(id="a"))
    response = json_patch(
        client, "/fhir/Patient/a", {"op": "add", "path": "/gender", "value": "male"}
    )
    assert response.status_code == 200
    assert (response.json()["gender"], response.json()["meta"]["versionId"]) == ("male", "2")


def test_json_patch__copies_that_double_the_resource_are_bounded(client: TestClient) -> None:
    client.put("/fhir/Patient/a", json=patient(id="a", name=[{"family": "A"}]))
    doubling = [{"op": "copy", "from": "/name", "path": f"/name/0/k{n}"} for n in range(60)]
    answer = json_patch(client, "/fhir/Patient/a", *doubling)
    assert (answer.status_code, issue_id(answer)) == (422, "patch-too-large")


def test_json_patch__values_are_not_shared_between_attempts() -> None:
    operations: list[Json] = [
        {"op": "add", "path": "/name", "value": [{"family": "A"}]},
        {"op": "add", "path": "/name/0/use", "value": "usual"},
        {"op": "copy", "from": "/name/0", "path": "/name/1"},
        {"op": "replace", "path": "/name/1/family", "value": "B"},
    ]
    sent = {"resourceType": "Patient"}
    patched = [apply_json_patch(sent, operations) for _ in range(2)]
    assert patched[0] == patched[1]
    assert [name["family"] for name in patched[0]["name"]] == ["A", "B"]
    assert (sent, operations[0]["value"]) == ({"resourceType": "Patient"}, [{"family": "A"}])


def test_json_patch__numbers_keep_their_digits(client: TestClient) -> None:
    source = (
        b'{"resourceType":"Observation","id":"n","status":"final","code":{"text":"x"},'
        b'"valueQuantity":{"value":1.00}}'
    )
    client.put("/fhir/Observation/n", content=source)
    change = b'[{"op":"add","path":"/referenceRange","value":[{"low":{"value":0.10}}]}]'
    response = client.patch("/fhir/Observation/n", content=change, headers=JSON_PATCH)
    assert b'"value":1.00' in response.content
    assert b'"value":0.10' in response.content


def test_json_patch__failed_test_changes_nothing(client: TestClient) -> None:
    client.put("/fhir/Patient/a", json=patient(id="a"))
    response = json_patch(
        client,
        "/fhir/Patient/a",
        {"op": "replace", "path": "/active", "value": False},
        {"op": "test", "path": "/gender", "value": "male"},
    )
    assert response.status_code == 422
    assert client.get("/fhir/Patient/a").json()["meta"]["versionId"] == "1"


@pytest.mark.parametrize(
    ("content", "status", "expected"),
    [
        ("{}", 400, "patch-no-list"),
        ("[", 400, "json-syntax"),
        ('[{"op":"mend","path":"/a"}]', 400, "patch-operation-unknown"),
        ('[{"op":["add"],"path":"/a"}]', 400, "patch-operation-unknown"),
        ('[{"op":"add","path":"/a"}]', 400, "patch-part-missing"),
        ('[{"op":"remove","path":7}]', 400, "patch-path-invalid"),
        ('[{"op":"remove","path":"/gender"}]', 422, "patch-path-none"),
        ('[{"op":"add","path":"/active/0/x","value":1}]', 422, "patch-path-none"),
        ('[{"op":"replace","path":"/id","value":"b"}]', 422, "patch-identity"),
        ('[{"op":"replace","path":"","value":7}]', 422, "patch-identity"),
        ('[{"op":"add","path":"/colour","value":"red"}]', 422, "unknown-element"),
    ],
)
def test_json_patch__fault_is_named(
    client: TestClient, content: str, status: int, expected: str
) -> None:
    client.put("/fhir/Patient/a", json=patient(id="a"))
    response = client.patch("/fhir/Patient/a", content=content, headers=JSON_PATCH)
    assert (response.status_code, issue_id(response)) == (status, expected)
