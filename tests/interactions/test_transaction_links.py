"""Links between the entries of a transaction, and from them to what is stored."""

import pytest
from starlette.testclient import TestClient

from tests.interactions.bundling import Json, bundle, condition, entry, identified, statuses, total
from tests.interactions.test_create_update_delete import issue, issue_id, patient


def test_transaction__links_between_entries_are_resolved(client: TestClient) -> None:
    response = client.post(
        "/fhir",
        json=bundle(
            entry("POST", "Condition", condition("urn:uuid:1"), fullUrl="urn:uuid:2"),
            entry("POST", "Patient", patient(), fullUrl="urn:uuid:1"),
        ),
    )
    assert statuses(response) == ["201", "201"]
    made = [e["response"]["location"] for e in response.json()["entry"]]
    stored = client.get(made[0]).json()
    assert stored["subject"]["reference"] == "/".join(made[1].split("/")[-4:-2])


@pytest.mark.parametrize(
    "name", ["urn:oid:1.2.3.4", "urn:uuid:6b9cd1b2-4b9c-4b6e-9c2c-0b6f6a1d2e3f"]
)
def test_transaction__links_by_either_kind_of_urn_are_resolved(
    client: TestClient, name: str
) -> None:
    sent = bundle(
        entry("POST", "Condition", condition(name)),
        entry("POST", "Patient", {"resourceType": "Patient"}, fullUrl=name),
    )
    answer = client.post("/fhir", json=sent, headers={"Prefer": "return=representation"}).json()
    stored, patient = (one["resource"] for one in answer["entry"])
    assert stored["subject"]["reference"] == f"Patient/{patient['id']}"


@pytest.mark.parametrize("prefix", ["http://testserver/fhir/", ""])
@pytest.mark.parametrize("suffix", ["", "/_history/1"])
def test_transaction__absolute_and_versioned_links_stay_findable(
    client: TestClient, prefix: str, suffix: str
) -> None:
    client.put("/fhir/Patient/p", json={"resourceType": "Patient", "id": "p"})
    sent = bundle(entry("POST", "Condition", condition(f"{prefix}Patient/p{suffix}")))
    assert statuses(client.post("/fhir", json=sent)) == ["201"]
    assert total(client, "Condition?subject=Patient/p") == 1


def test_transaction__relative_links_follow_the_full_url(client: TestClient) -> None:
    response = client.post(
        "/fhir",
        json=bundle(
            entry("POST", "Patient", patient(), fullUrl="http://ehr.example/Patient/7"),
            entry(
                "POST",
                "Condition",
                condition("Patient/7"),
                fullUrl="http://ehr.example/Condition/1",
            ),
        ),
    )
    made = [e["response"]["location"] for e in response.json()["entry"]]
    assert client.get(made[1]).json()["subject"]["reference"] != "Patient/7"


def test_transaction__links_in_narrative_and_attachments_are_resolved(client: TestClient) -> None:
    document: Json = {
        "resourceType": "DocumentReference",
        "status": "current",
        "text": {
            "status": "generated",
            "div": '<div xmlns="http://www.w3.org/1999/xhtml"><a href="urn:uuid:1">x</a></div>',
        },
        "content": [{"attachment": {"url": "urn:uuid:1"}}],
    }
    response = client.post(
        "/fhir",
        json=bundle(
            entry("PUT", "Patient/p", patient(id="p"), fullUrl="urn:uuid:1"),
            entry("POST", "DocumentReference", document, fullUrl="urn:uuid:2"),
        ),
    )
    stored = client.get(response.json()["entry"][1]["response"]["location"]).json()
    assert stored["content"][0]["attachment"]["url"] == "Patient/p"
    assert 'href="Patient/p"' in stored["text"]["div"]


def test_transaction__link_to_no_entry_is_refused(client: TestClient) -> None:
    response = client.post(
        "/fhir", json=bundle(entry("POST", "Condition", condition("urn:uuid:9")))
    )
    assert (response.status_code, issue_id(response)) == (400, "reference-unresolved")
    assert issue(response)["expression"] == ["Bundle.entry[0].resource.subject.reference"]


def test_transaction__conditional_create_and_reference(client: TestClient) -> None:
    sent = bundle(
        entry("POST", "Condition", condition("Patient?identifier=urn:x|1"),
              ifNoneExist="subject:Patient.identifier=urn:x|1"),
        entry("POST", "Patient", identified("1"), ifNoneExist="identifier=urn:x|1"),
    )  # fmt: skip
    first, second = client.post("/fhir", json=sent), client.post("/fhir", json=sent)
    assert (statuses(first), statuses(second)) == (["201", "201"], ["200", "200"])
    assert total(client, "Condition?subject:Patient.identifier=urn:x|1") == 1


def test_transaction__conditional_reference_by_other_criteria_sees_new_entries(
    client: TestClient,
) -> None:
    resource = {**identified("1"), "gender": "female"}
    response = client.post(
        "/fhir",
        json=bundle(
            entry("POST", "Condition", condition("Patient?gender=female")),
            entry("PUT", "Patient/p", {**resource, "id": "p"}),
        ),
    )
    stored = client.get(response.json()["entry"][0]["response"]["location"]).json()
    assert stored["subject"]["reference"] == "Patient/p"


@pytest.mark.parametrize("matches", [0, 2])
def test_transaction__conditional_reference_must_match_one(
    client: TestClient, matches: int
) -> None:
    for _ in range(matches):
        client.post("/fhir/Patient", json=identified("1"))
    sent = bundle(entry("POST", "Condition", condition("Patient?identifier=urn:x|1")))
    response = client.post("/fhir", json=sent)
    assert response.status_code == 412
    assert total(client, "Condition?_lastUpdated=gt2000") == 0
