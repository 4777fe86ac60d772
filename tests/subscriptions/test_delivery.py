"""When notifications arrive: in order, again where they were not taken."""

from typing import Any

from starlette.testclient import TestClient

from tests.subscriptions.conftest import Delivering
from tests.subscriptions.receiver import WAIT_S, Received, Receiver
from tests.subscriptions.subscribing import numbers, on_topic, plain, status_of, store, subscribe


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
                slow_may_go.wait_for(lambda: len(hook.taken) >= 3, timeout=WAIT_S)
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
