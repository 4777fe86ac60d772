from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from starlette.testclient import TestClient

from fhir_server.store.resources import MOST_SINGLE_LOCKS
from tests.interactions.test_create_update_delete import issue, issue_id, patient

Json = dict[str, Any]


def entry(method: str, url: str, resource: Json | None = None, **more: Any) -> Json:
    request = {"method": method, "url": url}
    conditions = ("ifNoneExist", "ifMatch", "ifNoneMatch", "ifModifiedSince")
    request |= {n: more.pop(n) for n in conditions if n in more}
    return {**more, "request": request, **({"resource": resource} if resource else {})}


def bundle(*entries: Json, kind: str = "transaction") -> Json:
    return {"resourceType": "Bundle", "type": kind, "entry": list(entries)}


def condition(subject: str, **elements: Any) -> Json:
    return {"resourceType": "Condition", "subject": {"reference": subject}, **elements}


def identified(value: str) -> Json:
    return patient(identifier=[{"system": "urn:x", "value": value}])


def statuses(response: Any) -> list[str]:
    return [e["response"]["status"].split()[0] for e in response.json()["entry"]]


def total(client: TestClient, search: str) -> int:
    found: int = client.get(f"/fhir/{search}&_total=accurate").json()["total"]
    return found


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


def test_transaction__equal_conditional_creates_are_one(client: TestClient) -> None:
    one = entry("POST", "Patient", identified("1"), ifNoneExist="identifier=urn:x|1")
    response = client.post("/fhir", json=bundle(one, one))
    assert statuses(response) == ["201", "200"]
    assert total(client, "Patient?identifier=urn:x|1") == 1


def test_transaction__same_target_twice_is_refused(client: TestClient) -> None:
    put = entry("PUT", "Patient/a", patient(id="a"))
    response = client.post("/fhir", json=bundle(put, put))
    assert (response.status_code, issue_id(response)) == (400, "transaction-duplicate-target")


def test_transaction__delete_comes_before_conditional_create(client: TestClient) -> None:
    client.put("/fhir/Patient/a", json={**identified("1"), "id": "a"})
    response = client.post(
        "/fhir",
        json=bundle(
            entry("POST", "Patient", identified("1"), ifNoneExist="identifier=urn:x|1"),
            entry("DELETE", "Patient/a"),
        ),
    )
    assert statuses(response) == ["201", "204"]


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


def test_transaction__parallel_equal_conditional_creates_make_one(client: TestClient) -> None:
    sent = bundle(entry("POST", "Patient", identified("1"), ifNoneExist="identifier=urn:x|1"))
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: client.post("/fhir", json=sent), range(40)))
    assert sorted(statuses(a)[0] for a in answers) == ["200"] * 39 + ["201"]
    assert total(client, "Patient?identifier=urn:x|1") == 1


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


def test_transaction__senders_that_know_different_numbers_make_one(client: TestClient) -> None:
    numbers = [{"system": "urn:x", "value": "1"}, {"system": "urn:y", "value": "2"}]

    def send(number: int) -> int:
        known = numbers[number % 2]
        criteria = f"identifier={known['system']}|{known['value']}"
        put = entry("PUT", f"Patient?{criteria}", patient(identifier=numbers))
        return client.post("/fhir", json=bundle(put)).status_code

    with ThreadPoolExecutor(8) as threads:
        assert set(threads.map(send, range(24))) == {200}
    assert total(client, "Patient?identifier=urn:x|1") == 1


def test_transaction__more_criteria_than_locks(client: TestClient) -> None:
    count = MOST_SINGLE_LOCKS + 1
    entries = [
        entry("POST", "Basic", {"resourceType": "Basic", "code": {"text": "x"}},
              ifNoneExist=f"identifier=urn:x|{number}")
        for number in range(count)
    ]  # fmt: skip
    assert statuses(client.post("/fhir", json=bundle(*entries))) == ["201"] * count


@pytest.mark.parametrize("first", ["POST", "PUT"])
def test_transaction__equal_criteria_of_two_writes_are_one_resource(
    client: TestClient, first: str
) -> None:
    criteria = "identifier=urn:x|1"
    entries = {
        "POST": entry("POST", "Patient", identified("1"), ifNoneExist=criteria),
        "PUT": entry("PUT", f"Patient?{criteria}", identified("1")),
    }
    response = client.post("/fhir", json=bundle(entries[first], entries["PUT"]))
    assert (response.status_code, issue_id(response)) == (400, "transaction-duplicate-target")
    assert total(client, f"Patient?{criteria}") == 0


@pytest.mark.parametrize("value", [1, ["a"], {"a": 1}])
def test_transaction__criteria_that_are_no_text_are_refused(client: TestClient, value: Any) -> None:
    response = client.post(
        "/fhir", json=bundle(entry("POST", "Patient", patient(), ifNoneExist=value))
    )
    assert response.status_code == 400
    assert issue(response)["expression"] == ["Bundle.entry[0].request.ifNoneExist"]
