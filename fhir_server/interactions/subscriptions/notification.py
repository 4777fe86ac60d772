"""What is sent to a subscriber: the notification Bundle of a topic, or the request of the plain kind.

Source: https://hl7.org/fhir/R4/valueset-subscription-channel-type.html (rest-hook: a POST without content;
with a payload the endpoint is a service base and an update is made),
https://hl7.org/fhir/uv/subscriptions-backport/notifications.html
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from fhir_server.definitions import TypeModel
from fhir_server.interactions.answer import instant
from fhir_server.interactions.subscriptions.definition import PAYLOADS, Content, Definition
from fhir_server.model.json_source import encode_json, parse_stored
from fhir_server.model.xml_writer import write_xml
from fhir_server.store.deliveries import DeliveryState, Event

NotificationType = Literal[
    "handshake", "heartbeat", "event-notification", "query-status", "query-event"
]

_PROFILE = "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/"
_STATUSES = {"create": ("POST", "201"), "update": ("PUT", "200"), "delete": ("DELETE", "204")}


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One HTTP request to a subscriber."""

    method: Literal["POST", "PUT"]
    url: str
    headers: Sequence[tuple[str, str]]
    content: bytes = b""


def plain_request(definition: Definition, event: Event, types: TypeModel) -> Outgoing | None:
    """The request of the plain kind for one event; None where the content to be sent is gone."""
    if definition.payload is None:
        return Outgoing("POST", definition.endpoint, definition.headers)
    if event.body is None:
        return None
    url = f"{definition.endpoint.rstrip('/')}/{event.type}/{event.id}"
    return Outgoing("PUT", url, *_content(definition, event.body, types))


def topic_request(definition: Definition, bundle: bytes, types: TypeModel) -> Outgoing:
    """The request that carries a notification Bundle."""
    return Outgoing("POST", definition.endpoint, *_content(definition, bundle, types))


def _content(
    definition: Definition, body: bytes, types: TypeModel
) -> tuple[Sequence[tuple[str, str]], bytes]:
    kind = definition.payload or PAYLOADS[0]
    content = write_xml(parse_stored(body), types, pretty=False) if kind == PAYLOADS[1] else body
    return [
        *definition.headers,
        ("Content-Type", f"{kind}; charset=utf-8; fhirVersion=4.0"),
    ], content


def notification_bundle(
    base_url: str,
    state: DeliveryState,
    status: str,
    kind: NotificationType,
    *,
    topic: str | None,
    events: Sequence[Event] = (),
    content: Content = "id-only",
) -> bytes:
    """A notification as a Bundle of type history: first its status, then what it is about."""
    told = state.events if kind != "event-notification" or not events else events[-1].number
    parameters = status_parameters(
        base_url, state, status, kind, topic=topic, events=events, content=content, told=told
    )
    entries = [_status_entry(base_url, state, parameters)]
    if content == "full-resource":
        entries += [_event_entry(base_url, event) for event in events]
    elif content == "id-only":
        entries += [_event_entry(base_url, event, with_body=False) for event in events]
    meta = {"profile": [f"{_PROFILE}backport-subscription-notification-r4"]}
    head = {"resourceType": "Bundle", "id": str(uuid.uuid4()), "meta": meta, "type": "history",
            "timestamp": instant(datetime.now(UTC))}  # fmt: skip
    return encode_json(head)[:-1] + b',"entry":[' + b",".join(entries) + b"]}"


def status_parameters(
    base_url: str,
    state: DeliveryState,
    status: str,
    kind: NotificationType,
    *,
    topic: str | None,
    events: Sequence[Event] = (),
    content: Content = "id-only",
    told: int | None = None,
) -> dict[str, Any]:
    """The status of a subscription as Parameters, as it leads a notification."""
    reference = {"reference": f"{base_url}/Subscription/{state.id}"}
    listed: list[dict[str, Any]] = [{"name": "subscription", "valueReference": reference}]
    if topic is not None and content != "empty":
        listed.append({"name": "topic", "valueCanonical": topic})
    listed.append({"name": "status", "valueCode": status})
    listed.append({"name": "type", "valueCode": kind})
    count = str(state.events if told is None else told)
    listed.append({"name": "events-since-subscription-start", "valueString": count})
    listed += [_event_parameter(base_url, event, content) for event in events]
    if state.error is not None:
        listed.append({"name": "error", "valueCodeableConcept": {"text": state.error}})
    return {
        "resourceType": "Parameters",
        "id": str(uuid.uuid4()),
        "meta": {"profile": [f"{_PROFILE}backport-subscription-status-r4"]},
        "parameter": listed,
    }


def _event_parameter(base_url: str, event: Event, content: Content) -> dict[str, Any]:
    parts: list[dict[str, Any]] = [
        {"name": "event-number", "valueString": str(event.number)},
        {"name": "timestamp", "valueInstant": instant(event.occurred)},
    ]
    if content != "empty":
        focus = {"reference": f"{base_url}/{event.type}/{event.id}"}
        parts.append({"name": "focus", "valueReference": focus})
    return {"name": "notification-event", "part": parts}


def _status_entry(base_url: str, state: DeliveryState, parameters: dict[str, Any]) -> bytes:
    return encode_json({
        "fullUrl": f"urn:uuid:{parameters['id']}",
        "resource": parameters,
        "request": {"method": "GET", "url": f"{base_url}/Subscription/{state.id}/$status"},
        "response": {"status": "200"},
    })  # fmt: skip


def _event_entry(base_url: str, event: Event, *, with_body: bool = True) -> bytes:
    method, status = _STATUSES[event.method]
    reference = f"{event.type}/{event.id}"
    resource = b',"resource":' + event.body if with_body and event.body is not None else b""
    request = {"method": method, "url": event.type if method == "POST" else reference}
    return (
        b'{"fullUrl":' + encode_json(f"{base_url}/{reference}") + resource
        + b',"request":' + encode_json(request)
        + b',"response":' + encode_json({"status": status}) + b"}"
    )  # fmt: skip
