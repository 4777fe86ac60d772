"""$expunge: what is stored of resources removed for good, with a trace that it was.

A deletion in FHIR keeps all versions. This operation removes them, for an erasure that a data protection
officer orders. The AuditEvent that stays says what was removed, when and how much, nothing of its content.

Source: an operation of this server, `https://osteon.example/fhir/OperationDefinition/expunge`
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fhir_server.interactions.operations.operator import leave_trace
from fhir_server.interactions.server import FhirServer
from fhir_server.interactions.writing.change import Change
from fhir_server.interactions.writing.check import check_id
from fhir_server.interactions.writing.write import run_write, write_changes
from fhir_server.model.issues import refuse
from fhir_server.store.expunge import (
    expunge_history,
    expunge_resources,
    ids_of_type,
    keys_with_history,
)
from fhir_server.store.keys import resource_key
from fhir_server.store.resources import Connection, lock_resources, read_resource

SCOPES = ("history", "deleted", "everything")
DEFAULT_LIMIT = 1000
MAX_LIMIT = 10_000


@dataclass(frozen=True, slots=True)
class ExpungeRequest:
    """What is to go.

    Shape: `scope` is `history` (superseded versions), `deleted` (what is deleted, with all versions) or
    `everything`; without `id` it is about a type, `limit` resources at most.
    """

    type: str
    id: str | None
    scope: str
    limit: int


def parse_expunge(
    resource_type: str, resource_id: str | None, given: Mapping[str, str]
) -> ExpungeRequest:
    """Read the parameters. Errors: Refused 400 for one that is unknown, missing or malformed."""
    if resource_id is not None:
        check_id(resource_id, resource_type)
    unknown = next((name for name in given if name not in {"scope", "limit"}), None)
    if unknown is not None:
        raise refuse(400, "operation-parameter-unknown", "not-supported", f"http.{unknown[:64]}",
                     name=unknown[:64], allowed="scope, limit")  # fmt: skip
    if given.get("scope") not in SCOPES:
        raise refuse(400, "parameter-invalid", "value", "http.scope",
                     name="scope", expected=", ".join(SCOPES))  # fmt: skip
    limit = given.get("limit", str(DEFAULT_LIMIT))
    if not (limit.isascii() and limit.isdigit() and 0 < int(limit[:9]) <= MAX_LIMIT):
        raise refuse(400, "parameter-invalid", "value", "http.limit",
                     name="limit", expected=f"1…{MAX_LIMIT}")  # fmt: skip
    return ExpungeRequest(resource_type, resource_id, given["scope"], int(limit))


def expunge(server: FhirServer, request: ExpungeRequest) -> dict[str, Any]:
    """Remove what is asked for; what was removed, as Parameters.

    Shape: what is not deleted yet is deleted first, as any delete is: with referential integrity and with
    events for Subscriptions. `more` says that the limit was reached.
    Errors: Refused 404 for an unknown resource, 409 for one that is not deleted (`deleted`) or that
    others refer to.
    """

    def work(connection: Connection) -> dict[str, Any]:
        resources, versions = _expunge(server, connection, request)
        if versions:
            target = request.type if request.id is None else f"{request.type}/{request.id}"
            details = {"scope": request.scope, "resources": resources, "versions": versions}
            leave_trace(server, connection, "$expunge", action="D", target=target, details=details)
        has_more = request.id is None and resources == request.limit
        return {
            "resourceType": "Parameters",
            "parameter": [
                {"name": "resources", "valueInteger": resources},
                {"name": "versions", "valueInteger": versions},
                {"name": "more", "valueBoolean": has_more},
            ],
        }

    return run_write(server, work)


def _expunge(
    server: FhirServer, connection: Connection, request: ExpungeRequest
) -> tuple[int, int]:
    """How many resources were concerned, and how many versions are gone."""
    if request.scope == "history":
        keys = _history_keys(connection, request)
        lock_resources(connection, keys)
        return len(keys), expunge_history(connection, keys)
    ids = _ids(connection, request)
    if request.scope == "everything":
        deletions = [Change("DELETE", request.type, id=one, by_server=True) for one in ids]
        write_changes(server, connection, deletions)
    keys = [resource_key(request.type, one) for one in ids]
    lock_resources(connection, keys)
    return len(keys), expunge_resources(connection, keys)


def _history_keys(connection: Connection, request: ExpungeRequest) -> list[int]:
    if request.id is None:
        return keys_with_history(connection, request.type, request.limit)
    _check_exists(connection, request.type, request.id)
    return [resource_key(request.type, request.id)]


def _ids(connection: Connection, request: ExpungeRequest) -> list[str]:
    deleted_only = request.scope == "deleted"
    if request.id is None:
        return ids_of_type(connection, request.type, request.limit, deleted_only=deleted_only)
    is_deleted = _check_exists(connection, request.type, request.id)
    if deleted_only and not is_deleted:
        raise refuse(409, "expunge-not-deleted", "conflict", request.type,
                     reference=f"{request.type}/{request.id}")  # fmt: skip
    return [request.id]


def _check_exists(connection: Connection, resource_type: str, resource_id: str) -> bool:
    """Whether it is deleted. Errors: Refused 404 where the id was never used."""
    stored = read_resource(connection, resource_type, resource_id)
    if stored is None:
        raise refuse(404, "resource-not-found", "not-found", resource_type,
                     reference=f"{resource_type}/{resource_id}")  # fmt: skip
    return stored.deleted
