"""The status of a Subscription: the client decides between requested and off, the server the rest.

A status of `active` or `error` on a new Subscription, or on one whose criteria or channel have changed,
counts as `requested`; on one that is otherwise the same, the current status stays.

Source: https://hl7.org/fhir/R4/subscription-definitions.html#Subscription.status
"""

from collections.abc import Mapping
from typing import Any

from fhir_server.interactions.subscriptions.definition import has_ended
from fhir_server.interactions.writing.change import Change
from fhir_server.model.json_source import parse_stored

_DEFINING = ("criteria", "_criteria", "channel", "end")


def with_server_status(change: Change) -> dict[str, Any]:
    """The resource of a change as it is stored."""
    resource = change.resource or {}
    if change.type != "Subscription" or change.by_server:
        return resource
    if resource.get("status") in {"requested", "off"} or has_ended(resource):
        return resource
    current = current_of(change)
    if current.get("status") in {"active", "error", "requested"} and is_same(current, resource):
        return {**resource, "status": current["status"]}
    return {**resource, "status": "requested"}


def is_same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two versions ask for the same."""
    return all(one.get(name) == other.get(name) for name in _DEFINING)


def current_of(change: Change) -> dict[str, Any]:
    """The version that a change supersedes; empty where there is none."""
    body = change.existing.body if change.existing else None
    current: dict[str, Any] = parse_stored(body) if body else {}
    return current
