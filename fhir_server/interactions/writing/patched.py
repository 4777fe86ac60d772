"""Patches become updates: applied to the locked row, checked like any other content."""

from collections.abc import Sequence
from typing import Any

from fhir_server.interactions.server import FhirServer
from fhir_server.interactions.writing.change import Change
from fhir_server.interactions.writing.check import check_changes, check_preconditions
from fhir_server.model.issues import refuse
from fhir_server.model.json_source import JsonSyntaxError, encode_json, parse_json, parse_stored
from fhir_server.store.keys import resource_key
from fhir_server.store.resources import Connection, lock_resources


def apply_patches(server: FhirServer, connection: Connection, changes: Sequence[Change]) -> None:
    """Give each patch its `resource`: the current version, patched. The rows stay locked.

    Errors: Refused 404, 410 (nothing to patch), 412 (If-Match), 422 (the patch does not fit, changes
    the identity, or its outcome does not conform), naming the entry.
    """
    if not changes:
        return
    for change in changes:
        if change.id is None:
            raise refuse(404, "criteria-no-match", "not-found", change.expression("request.url"))
    locked = lock_resources(connection, [resource_key(c.type, c.id or "") for c in changes])
    for change in changes:
        change.existing = locked.get(resource_key(change.type, change.id or ""))
        _apply(change)
    check_changes(server, [change for change in changes if not change.by_server])


def _apply(change: Change) -> None:
    current = change.existing
    where = change.expression()
    if current is None:
        raise refuse(404, "resource-not-found", "not-found", where, reference=change.reference)
    if current.body is None:
        raise refuse(410, "resource-deleted", "deleted", where, reference=change.reference,
                     version=current.version)  # fmt: skip
    check_preconditions(change)
    assert change.patch is not None  # noqa: S101 — a PATCH carries one
    patched = change.patch(parse_stored(current.body))
    kept = isinstance(patched, dict) and patched.get("resourceType") == change.type
    if not kept or patched.get("id") != change.id:
        raise refuse(422, "patch-identity", "business-rule", where)
    change.resource = _readable(patched, where)


def _readable(resource: dict[str, Any], where: str) -> dict[str, Any]:
    """The resource as it will be read again. Errors: Refused 422: patches may nest it too deeply."""
    try:
        read: dict[str, Any] = parse_json(encode_json(resource))
    except JsonSyntaxError as fault:
        raise refuse(422, fault.issue_id, "structure", where, reason=fault.reason) from None
    return read
