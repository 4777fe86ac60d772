"""Conditional entries of a transaction, alone and beside others that ask for the same."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from starlette.testclient import TestClient

from fhir_server.store.resources import MOST_SINGLE_LOCKS
from tests.interactions.bundling import bundle, entry, identified, statuses, total
from tests.interactions.test_create_update_delete import issue, issue_id, patient


def test_transaction__equal_conditional_creates_are_one(client: TestClient) -> None:
    one = entry("POST", "Patient", identified("1"), ifNoneExist="identifier=urn:x|1")
    response = client.post("/fhir", json=bundle(one, one))
    assert statuses(response) == ["201", "200"]
    assert total(client, "Patient?identifier=urn:x|1") == 1


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


def test_transaction__parallel_equal_conditional_creates_make_one(client: TestClient) -> None:
    sent = bundle(entry("POST", "Patient", identified("1"), ifNoneExist="identifier=urn:x|1"))
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: client.post("/fhir", json=sent), range(40)))
    assert sorted(statuses(a)[0] for a in answers) == ["200"] * 39 + ["201"]
    assert total(client, "Patient?identifier=urn:x|1") == 1


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
