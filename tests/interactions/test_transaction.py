"""What a transaction or batch carries out, in which order, and what it refuses."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from starlette.testclient import TestClient

from tests.interactions.bundling import Json, bundle, entry, identified, statuses, total
from tests.interactions.test_create_update_delete import issue, issue_id, patient


@pytest.mark.parametrize("kind", ["batch", "transaction"])
def test_bundle__reads_only_what_the_sender_does_not_have(client: TestClient, kind: str) -> None:
    stored = client.put("/fhir/Patient/p", json={"resourceType": "Patient", "id": "p"})
    updated = stored.json()["meta"]["lastUpdated"]
    answer = client.post("/fhir", json=bundle(
        entry("GET", "Patient/p", ifNoneMatch=stored.headers["ETag"]),
        entry("GET", "Patient/p", ifNoneMatch='W/"7"'),
        entry("GET", "Patient/p", ifModifiedSince=updated),
        entry("GET", "Patient/p", ifModifiedSince="2020-01-01T00:00:00Z"),
        entry("GET", "Patient/p/_history/1", ifNoneMatch='W/"1"'),
        kind=kind,
    ), headers={"Prefer": "return=representation"})  # fmt: skip
    assert statuses(answer) == ["304", "200", "304", "200", "304"]
    assert ["resource" in one for one in answer.json()["entry"]] == [
        False,
        True,
        False,
        True,
        False,
    ]


def test_bundle__condition_that_is_no_time_is_refused(client: TestClient) -> None:
    client.put("/fhir/Patient/p", json={"resourceType": "Patient", "id": "p"})
    sent = bundle(entry("GET", "Patient/p", ifModifiedSince="yesterday"))
    assert client.post("/fhir", json=sent).status_code == 400


def test_bundle__reads_histories_of_every_level(client: TestClient) -> None:
    client.put("/fhir/Patient/p", json={"resourceType": "Patient", "id": "p"})
    urls = ("_history", "Patient/_history", "Patient/p/_history?_count=1")
    answer = client.post("/fhir", json=bundle(*(entry("GET", url) for url in urls), kind="batch"))
    assert [one["resource"]["type"] for one in answer.json()["entry"]] == ["history"] * 3


def test_transaction__one_bad_entry_stores_nothing_and_is_named(client: TestClient) -> None:
    response = client.post(
        "/fhir",
        json=bundle(
            entry("POST", "Patient", identified("1")),
            entry("POST", "Patient", {"resourceType": "Patient", "gender": "blue"}),
        ),
    )
    assert response.status_code == 422
    assert issue(response)["expression"][0].startswith("Bundle.entry[1].resource")
    assert total(client, "Patient?identifier=urn:x|1") == 0


def test_transaction__same_target_twice_is_refused(client: TestClient) -> None:
    put = entry("PUT", "Patient/a", patient(id="a"))
    response = client.post("/fhir", json=bundle(put, put))
    assert (response.status_code, issue_id(response)) == (400, "transaction-duplicate-target")


def test_transaction__reads_see_what_it_wrote(client: TestClient) -> None:
    response = client.post(
        "/fhir",
        json=bundle(
            entry("GET", "Patient?identifier=urn:x|1"),
            entry("GET", "Patient/a"),
            entry("PUT", "Patient/a", {**identified("1"), "id": "a"}),
        ),
    )
    found = response.json()["entry"]
    assert found[0]["resource"]["entry"][0]["resource"]["id"] == "a"
    assert found[1]["resource"]["id"] == "a"


def test_transaction__if_match_guards_the_whole(client: TestClient) -> None:
    client.put("/fhir/Patient/a", json=patient(id="a"))
    response = client.post(
        "/fhir",
        json=bundle(
            entry("POST", "Patient", identified("1")),
            entry("PUT", "Patient/a", patient(id="a", gender="male"), ifMatch='W/"4"'),
        ),
    )
    assert (response.status_code, issue_id(response)) == (412, "version-conflict")
    assert total(client, "Patient?identifier=urn:x|1") == 0


def test_transaction__sent_again_gets_the_same_answer(client: TestClient) -> None:
    sent = bundle(entry("POST", "Patient", identified("1"), fullUrl="urn:uuid:1"))
    first, second = client.post("/fhir", json=sent), client.post("/fhir", json=sent)
    assert second.content == first.content
    assert total(client, "Patient?identifier=urn:x|1") == 1


def test_transaction__update_sent_again_undoes_a_later_one(client: TestClient) -> None:
    sent = bundle(entry("PUT", "Patient/a", patient(id="a")))
    client.post("/fhir", json=sent)
    client.put("/fhir/Patient/a", json=patient(id="a", gender="male"))
    client.post("/fhir", json=sent)
    assert client.get("/fhir/Patient/a").json()["meta"]["versionId"] == "3"


def test_transaction__of_ten_thousand_patches(client: TestClient) -> None:
    names = [f"p{number}" for number in range(10_000)]
    made = bundle(*(entry("PUT", f"Patient/{name}", patient(id=name)) for name in names))
    assert client.post("/fhir", json=made).status_code == 200
    operation = {
        "name": "operation",
        "part": [
            {"name": "type", "valueCode": "add"},
            {"name": "path", "valueString": "Patient"},
            {"name": "name", "valueString": "birthDate"},
            {"name": "value", "valueDate": "1980-05-01"},
        ],
    }
    patch = {"resourceType": "Parameters", "parameter": [operation]}
    patches = bundle(*(entry("PATCH", f"Patient/{name}", patch) for name in names))
    answer = client.post("/fhir", json=patches)
    assert answer.status_code == 200
    assert {one["response"]["etag"] for one in answer.json()["entry"]} == {'W/"2"'}


def test_batch__each_entry_by_itself(client: TestClient) -> None:
    response = client.post(
        "/fhir",
        json=bundle(
            entry("POST", "Patient", patient()),
            entry("POST", "Patient", {"resourceType": "Patient", "gender": "blue"}),
            entry("GET", "Patient/none"),
            kind="batch",
        ),
    )
    assert statuses(response) == ["201", "422", "404"]
    assert response.json()["entry"][1]["resource"]["resourceType"] == "OperationOutcome"


@pytest.mark.parametrize("kind", ["collection", "document", None])
def test_bundle__of_another_type_is_not_carried_out(client: TestClient, kind: str | None) -> None:
    response = client.post("/fhir", json={"resourceType": "Bundle", "type": kind})
    assert (response.status_code, issue_id(response)) == (400, "bundle-type")


@pytest.mark.parametrize(
    ("bad", "expected"),
    [
        ({"resource": {"resourceType": "Patient"}}, "entry-without-request"),
        (entry("FETCH", "Patient"), "entry-method"),
        (entry("PUT", "Patient", {"resourceType": "Patient"}), "entry-url"),
        (entry("POST", "Patient/1", {"resourceType": "Patient"}), "entry-url"),
        (entry("POST", "Patient?identifier=x", {"resourceType": "Patient"}), "entry-url"),
        (entry("POST", "Patient", {"resourceType": "Patient"}, ifNoneExist=""), "criteria-empty"),
        (entry("POST", "Patiant", {"resourceType": "Patient"}), "resource-type-unknown"),
        (entry("POST", "Patient"), "json-not-a-resource"),
        (entry("PUT", "Patient/a", {"resourceType": "Patient", "id": "b"}), "id-mismatch"),
        (
            entry("PUT", "Patient/a", {"resourceType": "Patient", "id": "a"}, ifMatch="1"),
            "etag-invalid",
        ),
    ],
)
def test_transaction__entry_that_is_no_request_is_named(
    client: TestClient, bad: Json, expected: str
) -> None:
    response = client.post("/fhir", json=bundle(entry("POST", "Patient", patient()), bad))
    assert (response.status_code, issue_id(response)) == (400, expected)
    assert issue(response)["expression"][0].startswith("Bundle.entry[1]")


def test_transaction__crossing_updates_lose_nothing(client: TestClient) -> None:
    def swap(number: int) -> int:
        order = ("a", "b") if number % 2 else ("b", "a")
        entries = [
            entry("PUT", f"Patient/{i}", patient(id=i, multipleBirthInteger=number)) for i in order
        ]
        return client.post("/fhir", json=bundle(*entries)).status_code

    with ThreadPoolExecutor(8) as threads:
        assert set(threads.map(swap, range(40))) == {200}
    for i in ("a", "b"):
        history = client.get(f"/fhir/Patient/{i}/_history?_count=100").json()
        versions = [int(e["resource"]["meta"]["versionId"]) for e in history["entry"]]
        assert versions == list(range(40, 0, -1))
