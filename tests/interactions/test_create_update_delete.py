from typing import Any

import pytest
from starlette.testclient import TestClient

FRENCH = {"Accept-Language": "fr-FR,fr;q=0.9"}


def patient(**elements: Any) -> dict[str, Any]:
    return {"resourceType": "Patient", "active": True, **elements}


def issue(response: Any) -> dict[str, Any]:
    assert response.json()["resourceType"] == "OperationOutcome", response.text
    found: dict[str, Any] = response.json()["issue"][0]
    return found


def issue_id(response: Any) -> str:
    code: str = issue(response)["details"]["coding"][0]["code"]
    return code


def create(client: TestClient, resource: dict[str, Any], **headers: str) -> Any:
    return client.post(f"/fhir/{resource['resourceType']}", json=resource, headers=headers)


def test_create__answers_with_identity_and_place(client: TestClient) -> None:
    response = create(client, patient())
    assert response.status_code == 201
    made = response.json()
    assert made["meta"]["versionId"] == "1"
    assert response.headers["etag"] == 'W/"1"'
    assert response.headers["location"].endswith(f"/fhir/Patient/{made['id']}/_history/1")
    assert client.get(f"/fhir/Patient/{made['id']}").json() == made


@pytest.mark.parametrize(
    ("preference", "content"),
    [("minimal", None), ("representation", "Patient"), ("OperationOutcome", "OperationOutcome")],
)
def test_create__prefer_return_is_kept(
    client: TestClient, preference: str, content: str | None
) -> None:
    response = create(client, patient(), Prefer=f"return={preference}")
    found = response.json()["resourceType"] if response.content else None
    assert found == content


def test_create__id_of_the_client_is_not_used(client: TestClient) -> None:
    assert create(client, patient(id="mine")).json()["id"] != "mine"


def test_create__numbers_keep_their_digits(client: TestClient) -> None:
    source = (
        b'{"resourceType":"Observation","status":"final","code":{"text":"x"},'
        b'"valueQuantity":{"value":1.00}}'
    )
    made = client.post("/fhir/Observation", content=source)
    assert made.status_code == 201
    assert b'"value":1.00' in client.get(made.headers["location"]).content


def test_create__wrong_resource_type_is_named(client: TestClient) -> None:
    response = client.post("/fhir/Patient", json={"resourceType": "Group"})
    assert (response.status_code, issue_id(response)) == (400, "resource-type-mismatch")


def test_create__broken_json_is_located(client: TestClient) -> None:
    response = client.post("/fhir/Patient", content=b'{"resourceType":\n "Patient",,}')
    assert (response.status_code, issue_id(response)) == (400, "json-syntax")
    assert [e["valueInteger"] for e in issue(response)["extension"]] == [2, 12]


def test_create__duplicate_key_is_refused(client: TestClient) -> None:
    response = client.post("/fhir/Patient", content=b'{"resourceType":"Patient","id":"a","id":"b"}')
    assert (response.status_code, issue_id(response)) == (400, "json-duplicate-key")


def test_create__unknown_element_is_refused_and_located(client: TestClient) -> None:
    response = client.post("/fhir/Patient", content=b'{"resourceType":"Patient",\n "colour":"red"}')
    assert response.status_code == 422
    assert "colour" in issue(response)["details"]["text"]
    assert [e["valueInteger"] for e in issue(response)["extension"][:2]] == [2, 2]


def test_create__unknown_type_is_not_found(client: TestClient) -> None:
    response = client.post("/fhir/Patiant", json={})
    assert (response.status_code, issue_id(response)) == (404, "resource-type-unknown")


def test_errors__are_in_french_where_asked(client: TestClient) -> None:
    response = client.get("/fhir/Patient/none", headers=FRENCH)
    assert issue(response)["details"]["text"] == "Il n’y a pas de Patient/none."


def test_conditional_create__second_time_finds_the_first(client: TestClient) -> None:
    resource = patient(identifier=[{"system": "urn:x", "value": "1"}])
    condition = {"If-None-Exist": "identifier=urn:x|1"}
    first = client.post("/fhir/Patient", json=resource, headers=condition)
    second = client.post("/fhir/Patient", json=resource, headers=condition)
    assert (first.status_code, second.status_code) == (201, 200)
    assert second.json() == first.json()


def test_conditional_create__several_matches_are_refused(client: TestClient) -> None:
    resource = patient(identifier=[{"system": "urn:x", "value": "1"}])
    for _ in range(2):
        create(client, resource)
    response = client.post(
        "/fhir/Patient", json=resource, headers={"If-None-Exist": "identifier=urn:x|1"}
    )
    assert (response.status_code, issue_id(response)) == (412, "criteria-multiple-matches")


@pytest.mark.parametrize("criteria", ["identifer=urn:x|1", "identifier=", "_count=1"])
def test_conditional_create__criteria_that_would_match_too_much_are_refused(
    client: TestClient, criteria: str
) -> None:
    response = client.post("/fhir/Patient", json=patient(), headers={"If-None-Exist": criteria})
    assert response.status_code == 400
    assert client.get("/fhir/Patient").json().get("entry") is None


def test_update__makes_versions_and_history(client: TestClient) -> None:
    first = client.put("/fhir/Patient/a", json=patient(id="a"))
    second = client.put("/fhir/Patient/a", json=patient(id="a", gender="male"))
    assert (first.status_code, second.status_code) == (201, 200)
    assert second.json()["meta"]["versionId"] == "2"
    assert client.get("/fhir/Patient/a/_history/1").json() == first.json()
    history = client.get("/fhir/Patient/a/_history").json()
    assert history["total"] == 2
    assert [e["resource"]["meta"]["versionId"] for e in history["entry"]] == ["2", "1"]


def test_update__equal_content_makes_no_version(client: TestClient) -> None:
    first = client.put("/fhir/Patient/a", json=patient(id="a"))
    again = client.put("/fhir/Patient/a", json=patient(id="a"))
    assert again.status_code == 200
    assert again.json() == first.json()


def test_update__id_of_body_and_url_must_agree(client: TestClient) -> None:
    response = client.put("/fhir/Patient/a", json=patient(id="b"))
    assert (response.status_code, issue_id(response)) == (400, "id-mismatch")
    response = client.put("/fhir/Patient/a", json=patient())
    assert (response.status_code, issue_id(response)) == (400, "id-missing")


def test_update__if_match_names_the_current_version(client: TestClient) -> None:
    client.put("/fhir/Patient/a", json=patient(id="a"))
    changed = patient(id="a", gender="male")
    stale = client.put("/fhir/Patient/a", json=changed, headers={"If-Match": 'W/"7"'})
    fresh = client.put("/fhir/Patient/a", json=changed, headers={"If-Match": 'W/"1"'})
    assert (stale.status_code, issue_id(stale)) == (412, "version-conflict")
    assert fresh.status_code == 200


def test_update__if_none_match_any_refuses_what_exists(client: TestClient) -> None:
    headers = {"If-None-Match": "*"}
    assert client.put("/fhir/Patient/a", json=patient(id="a"), headers=headers).status_code == 201
    response = client.put("/fhir/Patient/a", json=patient(id="a"), headers=headers)
    assert (response.status_code, issue_id(response)) == (412, "already-exists")


def test_conditional_update__updates_the_match_or_creates(client: TestClient) -> None:
    resource = patient(identifier=[{"system": "urn:x", "value": "1"}])
    first = client.put("/fhir/Patient?identifier=urn:x|1", json=resource)
    second = client.put("/fhir/Patient?identifier=urn:x|1", json={**resource, "gender": "male"})
    assert (first.status_code, second.status_code) == (201, 200)
    assert second.json()["id"] == first.json()["id"]
    assert second.json()["meta"]["versionId"] == "2"


def test_delete__reads_gone_and_keeps_versions(client: TestClient) -> None:
    client.put("/fhir/Patient/a", json=patient(id="a"))
    assert client.delete("/fhir/Patient/a").status_code == 204
    gone = client.get("/fhir/Patient/a")
    assert (gone.status_code, issue_id(gone)) == (410, "resource-deleted")
    assert client.get("/fhir/Patient/a/_history/1").status_code == 200
    assert client.get("/fhir/Patient?_id=a").json().get("entry") is None
    assert client.delete("/fhir/Patient/a").status_code == 204
    assert client.put("/fhir/Patient/a", json=patient(id="a")).status_code == 201
    assert client.get("/fhir/Patient/a").json()["meta"]["versionId"] == "3"


def test_delete__by_criteria_takes_one_match(client: TestClient) -> None:
    create(client, patient(identifier=[{"system": "urn:x", "value": "1"}]))
    assert client.delete("/fhir/Patient?identifier=urn:x|1").status_code == 204
    assert client.get("/fhir/Patient?identifier=urn:x|1").json().get("entry") is None
    assert client.delete("/fhir/Patient").status_code == 400


@pytest.mark.parametrize("path", ["/fhir/Patient/none", "/fhir/Patient/none/_history"])
def test_read__unknown_id_is_not_found(client: TestClient, path: str) -> None:
    response = client.get(path)
    assert (response.status_code, issue_id(response)) == (404, "resource-not-found")


def test_read__if_none_match_answers_not_modified(client: TestClient) -> None:
    client.put("/fhir/Patient/a", json=patient(id="a"))
    response = client.get("/fhir/Patient/a", headers={"If-None-Match": 'W/"1"'})
    assert (response.status_code, response.content) == (304, b"")


def test_head__has_headers_and_no_content(client: TestClient) -> None:
    client.put("/fhir/Patient/a", json=patient(id="a"))
    response = client.head("/fhir/Patient/a")
    assert (response.status_code, response.content) == (200, b"")
    assert response.headers["etag"] == 'W/"1"'


def test_media_type__other_than_json_is_refused(client: TestClient) -> None:
    response = client.post("/fhir/Patient", content=b"x", headers={"Content-Type": "text/plain"})
    assert (response.status_code, issue_id(response)) == (415, "media-type-not-supported")
    response = client.get("/fhir/Patient", headers={"Accept": "application/pdf"})
    assert (response.status_code, issue_id(response)) == (406, "format-not-acceptable")


def test_method__that_a_path_does_not_take_is_refused(client: TestClient) -> None:
    response = client.request("DELETE", "/fhir/metadata")
    assert (response.status_code, issue_id(response)) == (405, "method-not-allowed")


def test_capabilities__name_the_profiles_of_the_network(client: TestClient) -> None:
    statement = client.get("/fhir/metadata").json()
    assert statement["fhirVersion"] == "4.0.1"
    condition = next(r for r in statement["rest"][0]["resource"] if r["type"] == "Condition")
    assert any("primary-bone-tumour" in url for url in condition["supportedProfile"])
    assert {"code", "subject"} <= {p["name"] for p in condition["searchParam"]}


@pytest.mark.parametrize("data", ["1 1e999999999", "NaN 1", "1 Infinity", "sNaN"])
def test_create__samples_that_are_no_numbers_are_stored_unindexed(
    client: TestClient, data: str
) -> None:
    samples = {"origin": {"value": 1}, "period": 1, "dimensions": 1, "data": data}
    response = create(
        client,
        {"resourceType": "Observation", "status": "final", "code": {"text": "x"},
         "valueSampledData": samples},
    )  # fmt: skip
    assert response.status_code in {201, 422}


@pytest.mark.parametrize("parameter", [1, "x", {}, [1]])
def test_validate__parameters_that_are_no_list_hold_nothing(
    client: TestClient, parameter: Any
) -> None:
    content = {"resourceType": "Parameters", "parameter": parameter}
    response = client.post("/fhir/$validate", json=content)
    assert (response.status_code, issue_id(response)) == (400, "validate-nothing")
