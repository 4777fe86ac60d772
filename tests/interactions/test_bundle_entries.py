"""What entries of a Bundle say and are answered: references, names, reads, and entries that are none."""

from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.interactions.bundling import bundle, condition, entry, identified, statuses
from tests.interactions.test_create_update_delete import FRENCH, issue_id, patient


def stored_subject(client: TestClient, answer: Any, position: int) -> str:
    found = client.get(answer.json()["entry"][position]["response"]["location"]).json()
    reference: str = found["subject"]["reference"]
    return reference


def outcome_id(answer: Any, position: int) -> str:
    issues = answer.json()["entry"][position]["response"]["outcome"]["issue"]
    code: str = issues[0]["details"]["coding"][0]["code"]
    return code


def test_transaction__two_resources_under_one_full_url_are_refused(client: TestClient) -> None:
    answer = client.post(
        "/fhir",
        json=bundle(
            entry("POST", "Patient", patient(), fullUrl="urn:uuid:1"),
            entry("POST", "Patient", patient(active=False), fullUrl="urn:uuid:1"),
        ),
    )
    assert (answer.status_code, issue_id(answer)) == (400, "bundle-duplicate-full-url")


@pytest.mark.parametrize(
    ("full_url", "expected"),
    [
        ("http://testserver/fhir/Patient/b", "bundle-full-url-mismatch"),
        ("http://ehr/fhir/Practitioner/a", "bundle-full-url-mismatch"),
        ("http://ehr/fhir/Patient/a/_history/1", "bundle-full-url-version"),
    ],
)
@pytest.mark.parametrize("kind", ["batch", "transaction"])
def test_full_url__names_the_resource_beside_it(
    client: TestClient, full_url: str, expected: str, kind: str
) -> None:
    sent = bundle(entry("PUT", "Patient/a", patient(id="a"), fullUrl=full_url), kind=kind)
    answer = client.post("/fhir", json=sent)
    found = issue_id(answer) if kind == "transaction" else outcome_id(answer, 0)
    assert found == expected
    assert client.get("/fhir/Patient/a").status_code == 404


@pytest.mark.parametrize(
    "full_url",
    ["http://ehr/fhir/Patient/a", "urn:uuid:1", "http://ehr/records/17", "Patient/b"],
)
def test_full_url__that_says_nothing_else_is_taken(client: TestClient, full_url: str) -> None:
    sent = bundle(entry("PUT", "Patient/a", patient(id="a"), fullUrl=full_url))
    assert statuses(client.post("/fhir", json=sent)) == ["201"]


@pytest.mark.parametrize(
    ("own", "reference"),
    [
        ("http://ehr/fhir/Condition/c", "http://ehr/fhir/Patient/p/_history/7"),
        ("http://ehr/fhir/Condition/c", "Patient/p/_history/7"),
        ("urn:uuid:2", "http://ehr/fhir/Patient/p/_history/7"),
    ],
)
def test_transaction__references_to_versions_follow_their_entry(
    client: TestClient, own: str, reference: str
) -> None:
    answer = client.post(
        "/fhir",
        json=bundle(
            entry("POST", "Patient", patient(id="p"), fullUrl="http://ehr/fhir/Patient/p"),
            entry("POST", "Condition", condition(reference), fullUrl=own),
        ),
    )
    made = answer.json()["entry"][0]["response"]["location"]
    assert made.endswith("/" + stored_subject(client, answer, 1))


def test_transaction__references_to_versions_of_what_is_found_name_its_version(
    client: TestClient,
) -> None:
    client.put("/fhir/Patient/a", json={**identified("1"), "id": "a", "active": False})
    client.put("/fhir/Patient/a", json={**identified("1"), "id": "a"})
    found = entry("POST", "Patient", identified("1"), fullUrl="http://ehr/fhir/Patient/p",
                  ifNoneExist="identifier=urn:x|1")  # fmt: skip
    naming = entry("POST", "Condition", condition("http://ehr/fhir/Patient/p/_history/7"))
    answer = client.post("/fhir", json=bundle(found, naming))
    assert stored_subject(client, answer, 1) == "Patient/a/_history/2"


def test_create__conditional_reference_is_resolved(client: TestClient) -> None:
    client.put("/fhir/Patient/a", json={**identified("1"), "id": "a"})
    made = client.post("/fhir/Condition", json=condition("Patient?identifier=urn:x|1"))
    assert made.json()["subject"]["reference"] == "Patient/a"
    missing = client.post("/fhir/Condition", json=condition("Patient?identifier=urn:x|2"))
    assert (missing.status_code, issue_id(missing)) == (412, "conditional-reference-no-match")
    assert missing.json()["issue"][0]["expression"] == ["Condition.subject.reference"]


def test_batch__entry_that_is_no_request_is_answered_in_its_place(client: TestClient) -> None:
    answer = client.post(
        "/fhir",
        json=bundle(
            entry("POST", "Patient", patient()),
            {"resource": patient()},
            entry("FETCH", "Patient/a"),
            entry("GET", "http://elsewhere/fhir/Patient/a"),
            kind="batch",
        ),
    )
    assert statuses(answer) == ["201", "400", "400", "400"]
    ids = [outcome_id(answer, position) for position in (1, 2, 3)]
    assert ids == ["entry-without-request", "entry-method", "entry-url-elsewhere"]


@pytest.mark.parametrize("kind", ["batch", "transaction"])
def test_reads__are_lenient_where_the_bundle_asks_for_it(client: TestClient, kind: str) -> None:
    client.put("/fhir/Patient/a", json=patient(id="a"))
    search = bundle(entry("GET", "Patient?_id=a&nmae=x"), kind=kind)
    answer = client.post("/fhir", json=search, headers={**FRENCH, "Prefer": "handling=lenient"})
    entries = answer.json()["entry"][0]["resource"]["entry"]
    assert [one["search"]["mode"] for one in entries] == ["match", "outcome"]
    assert "n’a pas de paramètre" in entries[1]["resource"]["issue"][0]["details"]["text"]


def test_reads__give_the_part_that_is_asked_for(client: TestClient) -> None:
    client.put("/fhir/Patient/a", json=patient(id="a", gender="male"))
    reads = [
        entry("GET", f"Patient/a{query}")
        for query in ("?_elements=gender", "?_summary=text", "?foo=1")
    ]
    answer = client.post("/fhir", json=bundle(*reads, kind="batch"))
    assert statuses(answer) == ["200", "200", "400"]
    parts = [one["resource"] for one in answer.json()["entry"]]
    assert "gender" in parts[0]
    assert "gender" not in parts[1]
    assert outcome_id(answer, 2) == "parameter-not-taken"


def test_reads__head_answers_without_content(client: TestClient) -> None:
    client.put("/fhir/Patient/a", json=patient(id="a"))
    heads = [entry("HEAD", url) for url in ("Patient/a", "Patient?_id=a")]
    answer = client.post("/fhir", json=bundle(*heads))
    assert statuses(answer) == ["200", "200"]
    assert all("resource" not in one for one in answer.json()["entry"])


@pytest.mark.parametrize("url", ["Patient/none", "Patient?nonsense=1", "Patient/none/_history"])
def test_transaction__read_that_fails_names_its_entry(client: TestClient, url: str) -> None:
    sent = bundle(entry("POST", "Patient", patient()), entry("GET", url))
    answer = client.post("/fhir", json=sent)
    assert answer.status_code in {400, 404}
    assert answer.json()["issue"][0]["expression"] == ["Bundle.entry[1].request.url"]
