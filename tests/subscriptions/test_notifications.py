"""What a notification of either kind holds."""

import pytest
from starlette.testclient import TestClient

from tests.interactions.bundling import bundle, entry
from tests.interactions.test_create_update_delete import patient
from tests.subscriptions.conftest import Delivering
from tests.subscriptions.receiver import Receiver
from tests.subscriptions.subscribing import (
    PATIENTS,
    numbers,
    on_topic,
    plain,
    status_of,
    store,
    subscribe,
)


def test_plain__without_payload_is_an_empty_post(
    client: TestClient, hook: Receiver, delivering: Delivering
) -> None:
    with delivering():
        header = ["Authorization: Bearer abc"]
        name = subscribe(client, plain(hook.url, "Patient?gender=female", header=header))
        store(client, "a", gender="male")
        store(client, "b", gender="female")
        (one,) = hook.wait_taken(1)
        hook.wait(lambda: status_of(client, name) == "active")
    assert (one.method, one.path, one.content) == ("POST", "/hook", b"")
    assert one.headers["authorization"] == "Bearer abc"


def test_plain__with_payload_is_an_update_of_each_version(
    client: TestClient, hook: Receiver, delivering: Delivering
) -> None:
    subscribe(client, plain(hook.url, payload="application/fhir+json"))
    for number in range(1, 4):
        store(client, "a", multipleBirthInteger=number)
    client.delete("/fhir/Patient/a")
    with delivering():
        taken = hook.wait_taken(3)
    assert [(one.method, one.path) for one in taken] == [("PUT", "/hook/Patient/a")] * 3
    assert [one.json["multipleBirthInteger"] for one in taken] == [1, 2, 3]


def test_plain__payload_may_be_xml(
    client: TestClient, hook: Receiver, delivering: Delivering
) -> None:
    subscribe(client, plain(hook.url, payload="application/fhir+xml"))
    store(client, "a")
    with delivering():
        (one,) = hook.wait_taken(1)
    assert one.headers["content-type"].startswith("application/fhir+xml")
    assert one.content.startswith(b"<Patient") or b"<Patient " in one.content


def test_events__of_a_transaction_come_with_it_or_not_at_all(
    client: TestClient, hook: Receiver, delivering: Delivering
) -> None:
    name = subscribe(client, plain(hook.url))
    bad = bundle(
        entry("PUT", "Patient/a", patient(id="a")),
        entry("DELETE", "Patient?identifier=a|b&identifier=c|d"),
        entry("PUT", "Patient/b", patient(id="b"), ifMatch='W/"7"'),
    )
    assert client.post("/fhir", json=bad).status_code == 412
    good = bundle(*(entry("PUT", f"Patient/{n}", patient(id=n)) for n in "abc"))
    assert client.post("/fhir", json=good).status_code == 200
    with delivering():
        hook.wait_taken(3)
    status = client.get(f"/fhir/Subscription/{name}/$status").json()
    listed = status["entry"][0]["resource"]["parameter"]
    assert {"name": "events-since-subscription-start", "valueString": "3"} in listed


def test_events__see_chains_and_has_as_a_search_does(
    client: TestClient, hook: Receiver, delivering: Delivering
) -> None:
    store(client, "a", name=[{"family": "Exemple"}])
    store(client, "b", name=[{"family": "Autre"}])
    subscribe(client, plain(hook.url, "Observation?subject:Patient.family=exemple"))
    for who in "ba":
        observation = {
            "resourceType": "Observation",
            "id": who,
            "status": "final",
            "code": {"text": "x"},
            "subject": {"reference": f"Patient/{who}"},
        }
        assert client.put(f"/fhir/Observation/{who}", json=observation).status_code == 201
    events = client.get("/fhir/Subscription/$status").json()["entry"][0]["resource"]["parameter"]
    assert {"name": "events-since-subscription-start", "valueString": "1"} in events


def test_subscription__switched_off_hears_nothing(client: TestClient, hook: Receiver) -> None:
    name = subscribe(client, plain(hook.url))
    resource = client.get(f"/fhir/Subscription/{name}").json()
    client.put(f"/fhir/Subscription/{name}", json={**resource, "status": "off"})
    store(client, "a")
    client.put(f"/fhir/Subscription/{name}", json={**resource, "status": "requested"})
    store(client, "b")
    events = client.get(f"/fhir/Subscription/{name}/$events").json()
    assert [one["fullUrl"].rpartition("/")[2] for one in events["entry"][1:]] == ["b"]
    client.delete(f"/fhir/Subscription/{name}")
    store(client, "c")
    assert client.get(f"/fhir/Subscription/{name}/$status").status_code == 410


def test_topic__begins_with_a_handshake(
    client: TestClient, hook: Receiver, delivering: Delivering
) -> None:
    with delivering():
        name = subscribe(client, on_topic(hook.url))
        (one,) = hook.wait_taken(1)
        hook.wait(lambda: status_of(client, name) == "active")
    told = one.parameters()
    assert one.json["type"] == "history"
    assert (told["type"], told["status"], told["topic"]) == ("handshake", "requested", PATIENTS)
    assert told["events-since-subscription-start"] == "0"
    assert told["subscription"]["reference"].endswith(f"/Subscription/{name}")


@pytest.mark.parametrize("content", ["empty", "id-only", "full-resource"])
def test_topic__tells_as_much_as_was_asked_for(
    client: TestClient, hook: Receiver, delivering: Delivering, content: str
) -> None:
    subscribe(client, on_topic(hook.url, content))
    store(client, "a")
    with delivering():
        _, one = hook.wait_taken(2)
    told = one.parameters()
    assert (told["type"], one.event_numbers()) == ("event-notification", [1])
    part = {p["name"] for p in told["notification-event"]}
    assert ("focus" in part) == (content != "empty")
    entries = one.json["entry"][1:]
    assert len(entries) == (0 if content == "empty" else 1)
    assert [e["resource"]["id"] for e in entries if "resource" in e] == (
        ["a"] if content == "full-resource" else []
    )


def test_topic__filters_narrow_all_of_them(
    client: TestClient, hook: Receiver, delivering: Delivering
) -> None:
    filters = ("Patient?gender=female", "birthdate=ge2000")
    subscribe(client, on_topic(hook.url, filters=filters))
    store(client, "a", gender="female", birthDate="1990-01-01")
    store(client, "b", gender="female", birthDate="2001-01-01")
    client.delete("/fhir/Patient/a")
    client.delete("/fhir/Patient/b")
    with delivering():
        hook.wait(lambda: 2 in numbers(hook.taken[1:]))
    methods = [e["request"]["method"] for one in hook.taken[1:] for e in one.json["entry"][1:]]
    assert methods == ["POST", "DELETE"]


def test_topic__takes_no_more_events_together_than_asked(
    client: TestClient, hook: Receiver, delivering: Delivering
) -> None:
    subscribe(client, on_topic(hook.url, max_count=2))
    for number in range(5):
        store(client, f"p{number}")
    with delivering():
        hook.wait_taken(4)
    assert [one.event_numbers() for one in hook.taken[1:]] == [[1, 2], [3, 4], [5]]


def test_topic__heartbeat_comes_while_nothing_happens(
    client: TestClient, hook: Receiver, delivering: Delivering
) -> None:
    subscribe(client, on_topic(hook.url, heartbeat_period=1))
    with delivering():
        hook.wait_taken(3)
    # More may have come before the end.
    kinds = [one.parameters()["type"] for one in hook.taken]
    assert (kinds[0], set(kinds[1:])) == ("handshake", {"heartbeat"})


def test_events__are_told_again(client: TestClient, hook: Receiver) -> None:
    name = subscribe(client, on_topic(hook.url, "full-resource"))
    for number in range(5):
        store(client, f"p{number}")
    path = f"/fhir/Subscription/{name}/$events"
    some = client.get(f"{path}?eventsSinceNumber=2&eventsUntilNumber=3").json()
    assert [e["resource"]["id"] for e in some["entry"][1:]] == ["p1", "p2"]
    asked = {
        "resourceType": "Parameters",
        "parameter": [
            {"name": "eventsSinceNumber", "valueString": "5"},
            {"name": "content", "valueCode": "empty"},
        ],
    }
    last = client.post(path, json=asked).json()
    assert len(last["entry"]) == 1
    assert client.get(f"{path}?eventsSinceNumber=x").status_code == 400
    assert client.get(f"{path}?since=1").status_code == 400
    assert client.get("/fhir/Patient/p1/$events").status_code == 404
