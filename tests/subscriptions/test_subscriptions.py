from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.interactions.test_create_update_delete import issue_id, patient
from tests.interactions.test_transaction import bundle, entry
from tests.subscriptions.conftest import Delivering
from tests.subscriptions.receiver import Received, Receiver

BACKPORT = "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/"
PATIENTS = "https://osteon.example/fhir/SubscriptionTopic/patient-changed"
Json = dict[str, Any]


def plain(endpoint: str, criteria: str = "Patient?", **channel: Any) -> Json:
    return {
        "resourceType": "Subscription",
        "status": "requested",
        "reason": "test",
        "criteria": criteria,
        "channel": {"type": "rest-hook", "endpoint": endpoint, **channel},
    }


def on_topic(
    endpoint: str, content: str = "id-only", filters: tuple[str, ...] = (), **options: int
) -> Json:
    kinds = {"max-count": "valuePositiveInt"}
    extensions = [
        {"url": f"{BACKPORT}backport-{name}", kinds.get(name, "valueUnsignedInt"): value}
        for name, value in ((key.replace("_", "-"), value) for key, value in options.items())
    ]
    resource = plain(endpoint, PATIENTS, payload="application/fhir+json")
    resource["meta"] = {"profile": [f"{BACKPORT}backport-subscription"]}
    resource["channel"]["_payload"] = {
        "extension": [{"url": f"{BACKPORT}backport-payload-content", "valueCode": content}]
    }
    if extensions:
        resource["channel"]["extension"] = extensions
    if filters:
        resource["_criteria"] = {
            "extension": [
                {"url": f"{BACKPORT}backport-filter-criteria", "valueString": one}
                for one in filters
            ]
        }
    return resource


def subscribe(client: TestClient, resource: Json) -> str:
    response = client.post("/fhir/Subscription", json=resource)
    assert response.status_code == 201, response.text
    return str(response.json()["id"])


def status_of(client: TestClient, subscription_id: str) -> str:
    return str(client.get(f"/fhir/Subscription/{subscription_id}").json()["status"])


def store(client: TestClient, patient_id: str, /, **content: Any) -> None:
    assert (
        client.put(
            f"/fhir/Patient/{patient_id}", json=patient(id=patient_id, **content)
        ).status_code
        < 300
    )


def numbers(received: list[Received]) -> list[int]:
    return [n for one in received for n in one.event_numbers()]


# What is taken and what is refused.


@pytest.mark.parametrize(
    ("criteria", "fault"),
    [
        ("Patient?nmae=x", "subscription-criteria"),
        ("Patient?birthdate=soon", "subscription-criteria"),
        ("Patient?_sort=name", "subscription-criteria-result"),
        ("Patent?", "subscription-criteria-type"),
        ("Subscription?", "subscription-criteria-type"),
        ("https://osteon.example/fhir/SubscriptionTopic/none", "subscription-topic"),
    ],
)
def test_subscription__criteria_that_are_wrong_are_refused(
    client: TestClient, criteria: str, fault: str
) -> None:
    response = client.post("/fhir/Subscription", json=plain("http://127.0.0.1:9/x", criteria))
    assert (response.status_code, issue_id(response)) == (422, fault)
    assert response.json()["issue"][0]["expression"] == ["Subscription.criteria"]


@pytest.mark.parametrize(
    ("endpoint", "fault"),
    [
        ("http://10.0.0.1/hook", "subscription-endpoint-forbidden"),
        ("http://localhost.example/hook", "subscription-endpoint-forbidden"),
        ("http://127.0.0.1:8080/fhir", "subscription-endpoint-forbidden"),
        ("http://user:secret@127.0.0.1/", "subscription-endpoint"),
        ("file:///etc/passwd", "subscription-endpoint"),
        ("http://127.0.0.1:99999/", "subscription-endpoint"),
    ],
)
def test_subscription__goes_only_where_it_is_allowed(
    client: TestClient, endpoint: str, fault: str
) -> None:
    response = client.post("/fhir/Subscription", json=plain(endpoint))
    assert (response.status_code, issue_id(response)) == (422, fault)


@pytest.mark.parametrize("status", ["requested", "active", "error"])
def test_subscription__that_has_ended_is_kept_as_it_came(client: TestClient, status: str) -> None:
    resource = {
        **plain("https://elsewhere.example/hook"),
        "status": status,
        "end": "2021-01-01T00:00:00Z",
    }
    answer = client.post("/fhir/Subscription", json=resource)
    assert answer.status_code == 201
    assert answer.json()["status"] == status


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"type": "websocket"}, "subscription-channel"),
        ({"payload": "text/plain"}, "subscription-payload"),
        ({"header": ["Host: elsewhere"]}, "subscription-header"),
        ({"header": ["no colon"]}, "subscription-header"),
    ],
)
def test_subscription__channel_that_is_not_offered_is_refused(
    client: TestClient, change: Json, fault: str
) -> None:
    resource = plain("http://127.0.0.1:9/x")
    resource["channel"].update(change)
    response = client.post("/fhir/Subscription", json=resource)
    assert (response.status_code, issue_id(response)) == (422, fault)


def test_subscription__filter_about_another_type_is_refused(client: TestClient) -> None:
    resource = on_topic("http://127.0.0.1:9/x", filters=("Encounter?patient=Patient/1",))
    response = client.post("/fhir/Subscription", json=resource)
    assert (response.status_code, issue_id(response)) == (422, "subscription-filter-type")


def test_subscription__status_of_the_server_is_not_the_clients(client: TestClient) -> None:
    resource = {**plain("http://127.0.0.1:9/x"), "status": "active"}
    assert status_of(client, subscribe(client, resource)) == "requested"


def test_capabilities__name_the_topics(client: TestClient) -> None:
    listed = client.get("/fhir/metadata").json()["rest"][0]["resource"]
    own = next(one for one in listed if one["type"] == "Subscription")
    assert PATIENTS in [one["valueCanonical"] for one in own["extension"]]


# The plain kind of R4.


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


# The topic-based kind.


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
    assert [one.parameters()["type"] for one in hook.taken] == [
        "handshake", "heartbeat", "heartbeat",
    ]  # fmt: skip


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


# Subscribers that fail.


def test_delivery__goes_on_in_order_until_it_is_taken(
    client: TestClient, hook: Receiver, delivering: Delivering
) -> None:
    failures = iter([500, 0, 302, 429, 503])
    hook.answer = lambda _: next(failures, 200)
    name = subscribe(client, on_topic(hook.url, max_count=1))
    for number in range(4):
        store(client, f"p{number}")
    with delivering():
        hook.wait_taken(5)
        hook.wait(lambda: status_of(client, name) == "active")
    assert numbers(hook.taken[1:]) == [1, 2, 3, 4]
    assert len(hook.received) == 10


def test_delivery__that_fails_shows_as_error_and_dead_letter(
    client: TestClient, hook: Receiver, delivering: Delivering
) -> None:
    hook.answer = lambda _: 500
    name = subscribe(client, plain(hook.url))
    store(client, "a")
    with delivering():
        hook.wait(lambda: status_of(client, name) == "error")
        assert client.get(f"/fhir/Subscription/{name}").json()["error"] == "HTTP 500"
        (letter,) = client.get("/fhir/Subscription/$dead-letters").json()["parameter"]
        told = {part["name"]: part for part in letter["part"]}
        assert told["waiting"]["valueInteger"] == 1
        assert told["error"]["valueString"] == "HTTP 500"
        hook.answer = lambda _: 204
        hook.wait(lambda: status_of(client, name) == "active")
    assert "parameter" not in client.get("/fhir/Subscription/$dead-letters").json()
    assert "error" not in client.get(f"/fhir/Subscription/{name}").json()


def test_delivery__slow_subscriber_holds_up_nobody_else(
    client: TestClient, hook: Receiver, delivering: Delivering
) -> None:
    slow_may_go = hook.changed

    def answer(one: Received) -> int:
        if one.path == "/hook/slow":
            with slow_may_go:
                slow_may_go.wait_for(lambda: len(hook.taken) >= 3, timeout=20)
        return 200

    hook.answer = answer
    subscribe(client, plain(f"{hook.url}/slow"))
    subscribe(client, plain(f"{hook.url}/quick"))
    for name in "abc":
        store(client, name)
    with delivering():
        hook.wait(lambda: [one.path for one in hook.taken].count("/hook/quick") == 3)
        hook.wait(lambda: [one.path for one in hook.taken].count("/hook/slow") == 3)


def test_delivery__by_two_processes_is_in_order(
    client: TestClient, hook: Receiver, delivering: Delivering
) -> None:
    subscribe(client, on_topic(hook.url, max_count=1))
    with delivering(), delivering():
        for number in range(20):
            store(client, f"p{number}")
        hook.wait(lambda: 20 in numbers(hook.taken[1:]))
    assert numbers(hook.taken[1:]) == list(range(1, 21))


def test_delivery__endpoint_no_longer_allowed_is_not_called(
    client: TestClient, server: Any, hook: Receiver, delivering: Delivering
) -> None:
    name = subscribe(client, plain(hook.url))
    store(client, "a")
    server.settings.__dict__["subscription_endpoints"] = "none"
    with delivering():
        hook.wait(lambda: status_of(client, name) == "error")
    assert hook.received == []
