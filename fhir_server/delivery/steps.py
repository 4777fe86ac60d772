"""One step of a delivery: what is to be sent to a subscriber now, and what follows from how it went.

Steps run one after the other in the thread that owns the database connection; between them the request
is sent.
"""

import random
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from fhir_server.interactions.server import FhirServer
from fhir_server.interactions.subscriptions.definition import Definition, read_definition
from fhir_server.interactions.subscriptions.endpoints import is_allowed
from fhir_server.interactions.subscriptions.notification import (
    NotificationType,
    Outgoing,
    notification_bundle,
    plain_request,
    topic_request,
)
from fhir_server.interactions.writing.change import Change
from fhir_server.interactions.writing.write import run_write, write_changes
from fhir_server.model.json_source import parse_stored
from fhir_server.store.deliveries import (
    DeliveryState,
    delivery_state,
    note_failure,
    note_success,
    read_events,
)
from fhir_server.store.resources import Connection, read_resource

FAILURES_BEFORE_ERROR = 3
"""After so many attempts in a row the status becomes `error`; attempts go on."""
MOST_EVENTS = 50
MOST_BYTES = 4 * 1024 * 1024
FIRST_PAUSE_S = 1.0


@dataclass(frozen=True, slots=True)
class Step:
    """Something to send, None where nothing needs to be; `delivered` the number that success reaches."""

    state: DeliveryState
    definition: Definition
    status: str
    outgoing: Outgoing | None
    delivered: int | None = None
    fault: str | None = None


def next_step(server: FhirServer, connection: Connection, key: int) -> Step | None:
    """What is to be done for a subscription now; None for nothing."""
    state = delivery_state(connection, key)
    if state is None or not state.is_on:
        return None
    if state.is_over:
        set_status(server, state, "off")
        return None
    stored = read_resource(connection, "Subscription", state.id)
    if stored is None or stored.body is None:
        return None
    resource: dict[str, Any] = parse_stored(stored.body)
    definition, _ = read_definition(server, resource)
    status = str(resource.get("status"))
    if not is_allowed(server.settings, definition.endpoint):
        return Step(state, definition, status, None, fault="the endpoint is not allowed")
    types = server.definitions.type_model
    if not state.greeted:
        if definition.topic is None:
            return Step(state, definition, status, None)
        bundle = _bundle(server, state, "requested", "handshake", definition)
        return Step(state, definition, status, topic_request(definition, bundle, types))
    if state.waiting > 0:
        return _events_step(server, connection, state, definition, status)
    if state.heartbeat_due:
        bundle = _bundle(server, state, status, "heartbeat", definition)
        return Step(state, definition, status, topic_request(definition, bundle, types))
    return None


def _events_step(
    server: FhirServer,
    connection: Connection,
    state: DeliveryState,
    definition: Definition,
    status: str,
) -> Step:
    is_topic = definition.topic is not None
    most = min(definition.max_count or MOST_EVENTS, MOST_EVENTS) if is_topic else 1
    with_bodies = definition.payload is not None and definition.content == "full-resource"
    events = read_events(
        connection, state.key, state.delivered + 1, state.events,
        limit=most, with_bodies=with_bodies, most_bytes=MOST_BYTES,
    )  # fmt: skip
    if not events:
        return Step(state, definition, status, None, delivered=state.events)
    types = server.definitions.type_model
    if not is_topic:
        outgoing = plain_request(definition, events[0], types)
    else:
        bundle = notification_bundle(
            server.base_url, state, status, "event-notification",
            topic=definition.topic, events=events, content=definition.content,
        )  # fmt: skip
        outgoing = topic_request(definition, bundle, types)
    return Step(state, definition, status, outgoing, delivered=events[-1].number)


def _bundle(
    server: FhirServer,
    state: DeliveryState,
    status: str,
    kind: NotificationType,
    definition: Definition,
) -> bytes:
    return notification_bundle(
        server.base_url, state, status, kind, topic=definition.topic, content=definition.content
    )


def note_step(server: FhirServer, connection: Connection, step: Step, fault: str | None) -> None:
    """Write down how a step went: `fault` in words that name no content, None where it was taken."""
    state = step.state
    if fault is None:
        heartbeat_s = step.definition.heartbeat_s
        heartbeat = timedelta(seconds=heartbeat_s) if heartbeat_s else None
        note_success(connection, state, delivered=step.delivered, heartbeat=heartbeat)
        if step.status in {"requested", "error"}:
            set_status(server, state, "active")
        return
    longest_s = server.settings.subscription_longest_pause_s
    pause_s = min(longest_s, FIRST_PAUSE_S * 2.0 ** min(state.attempts, 30))
    pause_s *= random.uniform(0.5, 1)  # noqa: S311 — spreads retries, no secret
    note_failure(connection, state, fault, timedelta(seconds=pause_s))
    if state.attempts + 1 >= FAILURES_BEFORE_ERROR and step.status != "error":
        set_status(server, state, "error", fault)


def set_status(
    server: FhirServer, state: DeliveryState, status: str, fault: str | None = None
) -> None:
    """Make a new version of the Subscription with this status, unless the client has switched it off."""

    def apply(resource: dict[str, Any]) -> dict[str, Any]:
        if resource.get("status") == "off":
            return resource
        changed = {**resource, "status": status}
        changed.pop("error", None)
        return {**changed, "error": fault} if fault else changed

    change = Change("PATCH", "Subscription", id=state.id, patch=apply, by_server=True)
    run_write(server, lambda connection: write_changes(server, connection, [change]))
