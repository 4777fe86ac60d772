"""Operations on subscriptions over HTTP: GET with parameters in the URL, POST with Parameters."""

from fhir_server.http.call import Call
from fhir_server.http.reply import Reply, bundle_reply
from fhir_server.interactions.answer import Answer
from fhir_server.interactions.operations.subscription_events import subscription_events
from fhir_server.interactions.operations.subscription_status import (
    dead_letters,
    subscription_status,
)
from fhir_server.model.issues import refuse
from fhir_server.model.json_source import encode_json


def get_status(call: Call) -> Reply:
    """Subscription/$status, Subscription/id/$status."""
    pairs = _asked(call)
    with call.server.database.connection() as connection:
        answer = subscription_status(
            call.server,
            connection,
            subscription_id=call.path.get("id"),
            ids=_all_of(pairs, "id"),
            statuses=_all_of(pairs, "status"),
        )
    return bundle_reply(call, answer)


def get_events(call: Call) -> Reply:
    """Subscription/id/$events."""
    with call.server.database.connection() as connection:
        answer = subscription_events(call.server, connection, call.id, dict(_asked(call)))
    return bundle_reply(call, answer)


def get_dead_letters(call: Call) -> Reply:
    """Subscription/$dead-letters."""
    _asked(call)
    with call.server.database.connection() as connection:
        return bundle_reply(call, Answer(200, body=encode_json(dead_letters(connection))))


def _asked(call: Call) -> list[tuple[str, str]]:
    """The parameters of the URL and of the body. Errors: Refused 404 for another type, 400."""
    if call.type != "Subscription":
        raise refuse(404, "path-not-found", "not-found")
    return call.operation_pairs


def _all_of(pairs: list[tuple[str, str]], name: str) -> list[str]:
    """The values of a parameter that may repeat, or hold several with commas."""
    return [one for key, value in pairs if key == name for one in value.split(",")]
