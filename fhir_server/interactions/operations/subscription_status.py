"""Subscription/$status, Subscription/$dead-letters: how subscriptions fare.

Source: https://hl7.org/fhir/uv/subscriptions-backport/OperationDefinition-backport-subscription-status.html
"""

import uuid
from collections.abc import Collection, Sequence
from typing import Any

from fhir_server.interactions.answer import Answer, instant
from fhir_server.interactions.read import read
from fhir_server.interactions.server import FhirServer
from fhir_server.interactions.subscriptions.definition import read_definition
from fhir_server.interactions.subscriptions.notification import status_parameters
from fhir_server.model.issues import refuse
from fhir_server.model.json_source import encode_json, parse_stored
from fhir_server.store.deliveries import DeliveryState, delivery_states
from fhir_server.store.resources import Connection, read_resource


def subscription_status(
    server: FhirServer,
    connection: Connection,
    *,
    subscription_id: str | None = None,
    ids: Collection[str] = (),
    statuses: Collection[str] = (),
) -> Answer:
    """The status of one subscription, of those asked for, or of all, as a searchset Bundle.

    Errors: Refused 404 or 410 for the one subscription.
    """
    if subscription_id is not None:
        read(connection, "Subscription", subscription_id)
        ids, statuses = [subscription_id], ()
    entries: list[dict[str, Any]] = []
    for state in delivery_states(connection, ids or None):
        resource = current_resource(connection, state.id)
        status = str(resource.get("status"))
        if not resource or (statuses and status not in statuses):
            continue
        definition, _ = read_definition(server, resource)
        parameters = status_parameters(
            server.base_url, state, status, "query-status", topic=definition.topic
        )
        entries.append(
            {
                "fullUrl": f"{server.base_url}/Subscription/{state.id}/$status",
                "resource": parameters,
                "search": {"mode": "match"},
            }
        )
    bundle: dict[str, Any] = {
        "resourceType": "Bundle",
        "id": str(uuid.uuid4()),
        "type": "searchset",
        "total": len(entries),
    }
    return Answer(200, body=encode_json({**bundle, "entry": entries} if entries else bundle))


def dead_letters(connection: Connection) -> dict[str, Any]:
    """The subscriptions whose notifications are not taken, as Parameters: since when, why, how many wait."""
    failing = [s for s in delivery_states(connection) if s.is_on and s.attempts > 0]
    content: dict[str, Any] = {"resourceType": "Parameters"}
    return {**content, "parameter": [_dead_letter(s) for s in failing]} if failing else content


def _dead_letter(state: DeliveryState) -> dict[str, Any]:
    parts: Sequence[dict[str, Any]] = [
        {"name": "reference", "valueReference": {"reference": f"Subscription/{state.id}"}},
        {"name": "waiting", "valueInteger": state.waiting},
        *(
            [{"name": "first-waiting", "valueString": str(state.delivered + 1)}]
            * (state.waiting > 0)
        ),
        {"name": "attempts", "valueInteger": state.attempts},
        {"name": "failing-since", "valueInstant": instant(state.failing_since or state.due)},
        {"name": "next-attempt", "valueInstant": instant(state.due)},
        {"name": "error", "valueString": state.error or ""},
    ]
    return {"name": "subscription", "part": parts}


def current_resource(connection: Connection, subscription_id: str) -> dict[str, Any]:
    """The current version of a Subscription; empty where it is deleted."""
    stored = read_resource(connection, "Subscription", subscription_id)
    resource: dict[str, Any] = parse_stored(stored.body) if stored and stored.body else {}
    return resource


def state_of(connection: Connection, subscription_id: str) -> DeliveryState:
    """How far the delivery of a subscription has come. Errors: Refused 404 or 410, also for one that
    has been off from the start.
    """
    read(connection, "Subscription", subscription_id)
    found = delivery_states(connection, [subscription_id])
    if not found:
        reference = f"Subscription/{subscription_id}"
        raise refuse(404, "resource-not-found", "not-found", "Subscription", reference=reference)
    return found[0]
