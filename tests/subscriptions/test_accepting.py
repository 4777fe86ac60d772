"""Which Subscriptions are taken, and which refused."""

import pytest
from starlette.testclient import TestClient

from tests.interactions.test_create_update_delete import issue_id
from tests.subscriptions.subscribing import PATIENTS, Json, on_topic, plain, status_of, subscribe


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
