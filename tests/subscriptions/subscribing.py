"""Subscriptions of both kinds as a client writes them, and what they tell."""

from typing import Any

from starlette.testclient import TestClient

from tests.interactions.test_create_update_delete import patient
from tests.subscriptions.receiver import Received

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
