"""Subscription/[id]/$events: events again, for a subscriber that has missed some.

Source: https://hl7.org/fhir/uv/subscriptions-backport/OperationDefinition-backport-subscription-events.html
"""

from collections.abc import Mapping

from fhir_server.interactions.answer import Answer
from fhir_server.interactions.operations.subscription_status import current_resource, state_of
from fhir_server.interactions.server import FhirServer
from fhir_server.interactions.subscriptions.definition import CONTENTS, read_definition
from fhir_server.interactions.subscriptions.notification import notification_bundle
from fhir_server.model.issues import refuse
from fhir_server.store.deliveries import read_events
from fhir_server.store.resources import Connection

PARAMETERS = ("eventsSinceNumber", "eventsUntilNumber", "content")
MOST_EVENTS = 500
MOST_BYTES = 16 * 1024 * 1024


def subscription_events(
    server: FhirServer, connection: Connection, subscription_id: str, given: Mapping[str, str]
) -> Answer:
    """A notification Bundle with the events of a range of numbers, both ends included.

    Shape: at most MOST_EVENTS; the last number in the Bundle says where to go on.
    Errors: Refused 404 or 410 for the subscription, 400 for a parameter that is unknown or malformed.
    """
    state = state_of(connection, subscription_id)
    unknown = next((name for name in given if name not in PARAMETERS), None)
    if unknown is not None:
        raise refuse(400, "operation-parameter-unknown", "not-supported", f"http.{unknown[:64]}",
                     name=unknown[:64], allowed=", ".join(PARAMETERS))  # fmt: skip
    first = _number(given, "eventsSinceNumber", 1)
    last = _number(given, "eventsUntilNumber", state.events)
    resource = current_resource(connection, subscription_id)
    definition, _ = read_definition(server, resource)
    asked = given.get("content", definition.content)
    content = next((one for one in CONTENTS if one == asked), None)
    if content is None:
        raise refuse(400, "parameter-invalid", "value", "content",
                     name="content", expected=", ".join(CONTENTS))  # fmt: skip
    events = read_events(
        connection, state.key, first, last,
        limit=MOST_EVENTS, with_bodies=content == "full-resource", most_bytes=MOST_BYTES,
    )  # fmt: skip
    body = notification_bundle(
        server.base_url, state, str(resource["status"]), "query-event",
        topic=definition.topic, events=events, content=content,
    )  # fmt: skip
    return Answer(200, body=body)


def _number(given: Mapping[str, str], name: str, default: int) -> int:
    text = given.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise refuse(400, "subscription-events-range", "value", name, name=text[:64])
    return int(text)
