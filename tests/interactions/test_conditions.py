"""If-Match and If-None-Match, wherever a resource is read or written."""

import pytest
from starlette.testclient import TestClient

from tests.interactions.bundling import bundle, entry, identified
from tests.interactions.test_create_update_delete import issue_id, patient

CURRENT = 'W/"2"'


@pytest.fixture
def stored(client: TestClient) -> TestClient:
    """Patient/a in its second version."""
    client.put("/fhir/Patient/a", json={**identified("1"), "id": "a", "gender": "male"})
    client.put("/fhir/Patient/a", json={**identified("1"), "id": "a"})
    return client


@pytest.mark.parametrize("tags", ['W/"2"', '"2"', 'W/"7", "2"', "*"])
def test_read__weak_and_strong_tags_are_compared_alike(stored: TestClient, tags: str) -> None:
    assert stored.get("/fhir/Patient/a", headers={"If-None-Match": tags}).status_code == 304


@pytest.mark.parametrize("tags", ['W/"1"', "2", "W/2", 'W/"2" W/"1"'])
def test_read__tags_of_other_versions_or_forms_send_it(stored: TestClient, tags: str) -> None:
    assert stored.get("/fhir/Patient/a", headers={"If-None-Match": tags}).status_code == 200


@pytest.mark.parametrize(
    ("tags", "status"),
    [('"2"', 200), ('W/"7", W/"2"', 200), ("*", 200), ('W/"abc"', 412), ("2", 400), ("", 400)],
)
def test_update__if_match_takes_every_form_of_rfc_9110(
    stored: TestClient, tags: str, status: int
) -> None:
    changed = patient(id="a", gender="female")
    answer = stored.put("/fhir/Patient/a", json=changed, headers={"If-Match": tags})
    assert answer.status_code == status


def test_update__if_match_any_asks_for_a_resource(client: TestClient) -> None:
    answer = client.put("/fhir/Patient/new", json=patient(id="new"), headers={"If-Match": "*"})
    assert (answer.status_code, issue_id(answer)) == (412, "version-of-none")


@pytest.mark.parametrize("tags", ["*", CURRENT])
@pytest.mark.parametrize("url", ["Patient/a", "Patient?identifier=urn:x|1"])
@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_write__if_none_match_refuses_the_version_it_names(
    stored: TestClient, method: str, url: str, tags: str
) -> None:
    body = {**identified("1"), "id": "a", "gender": "other"} if method == "PUT" else None
    answer = stored.request(method, f"/fhir/{url}", json=body, headers={"If-None-Match": tags})
    assert (answer.status_code, issue_id(answer)) == (412, "already-exists")
    assert stored.get("/fhir/Patient/a").json()["meta"]["versionId"] == "2"


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_conditional_write__if_match_names_the_version_of_the_match(
    stored: TestClient, method: str
) -> None:
    body = identified("1") if method == "PUT" else None
    answer = stored.request(
        method, "/fhir/Patient?identifier=urn:x|1", json=body, headers={"If-Match": 'W/"1"'}
    )
    assert (answer.status_code, issue_id(answer)) == (412, "version-conflict")
    assert stored.get("/fhir/Patient/a").status_code == 200


def test_conditional_update__does_not_overwrite_a_resource_that_the_criteria_miss(
    stored: TestClient,
) -> None:
    other = {**identified("2"), "id": "a"}
    answer = stored.put("/fhir/Patient?identifier=urn:x|2", json=other)
    assert (answer.status_code, issue_id(answer)) == (409, "criteria-other-id")
    stored.delete("/fhir/Patient/a")
    assert stored.put("/fhir/Patient?identifier=urn:x|2", json=other).status_code == 201


def test_transaction__if_none_match_of_an_entry_names_versions(stored: TestClient) -> None:
    changed = entry("PUT", "Patient/a", patient(id="a"), ifNoneMatch=CURRENT)
    answer = stored.post("/fhir", json=bundle(changed))
    assert (answer.status_code, issue_id(answer)) == (412, "already-exists")


@pytest.mark.parametrize("url", ["Patient/none", "Patient?identifier=urn:x|none"])
def test_delete__if_match_asks_for_a_resource(stored: TestClient, url: str) -> None:
    answer = stored.delete(f"/fhir/{url}", headers={"If-Match": CURRENT})
    assert (answer.status_code, issue_id(answer)) == (412, "version-of-none")
    assert stored.delete(f"/fhir/{url}").status_code == 204


def test_condition__that_fails_is_named_where_it_stands(stored: TestClient) -> None:
    changed = {**identified("1"), "id": "a", "gender": "other"}
    alone = stored.put("/fhir/Patient/a", json=changed, headers={"If-Match": 'W/"1"'})
    sent = bundle(entry("PUT", "Patient/a", changed, ifNoneMatch="*"))
    together = stored.post("/fhir", json=sent)
    places = [answer.json()["issue"][0]["expression"] for answer in (alone, together)]
    assert places == [["http.If-Match"], ["Bundle.entry[0].request.ifNoneMatch"]]
