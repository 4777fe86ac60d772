"""$diff: what differs between two versions of a resource, or two resources of one type.

`GET [base]/Type/id/$diff?fromVersion=1&toVersion=3`: without `toVersion` the current version, without
`fromVersion` the one before that. `GET [base]/$diff?from=Type/a&to=Type/b/_history/2`.
"""

from collections.abc import Sequence
from typing import Any

from fhir_server.interactions.patching.difference import difference
from fhir_server.interactions.read import read
from fhir_server.interactions.server import FhirServer
from fhir_server.interactions.vread import vread
from fhir_server.model.issues import refuse
from fhir_server.model.json_source import parse_stored
from fhir_server.model.references import parse_reference
from fhir_server.store.resource_types import TYPE_NUMBERS
from fhir_server.store.resources import Connection, StoredResource


def diff_versions(
    server: FhirServer,
    connection: Connection,
    resource_type: str,
    resource_id: str,
    pairs: Sequence[tuple[str, str]],
) -> dict[str, Any]:
    """The difference of two versions as a FHIRPath Patch.

    Errors: as read and vread; Refused 400 for a parameter that is unknown.
    """
    given = _given(pairs, ("fromVersion", "toVersion"))
    after = _version(connection, resource_type, resource_id, given.get("toVersion"))
    before = given.get("fromVersion", str(max(after.version - 1, 1)))
    return _difference(server, _version(connection, resource_type, resource_id, before), after)


def diff_resources(
    server: FhirServer, connection: Connection, pairs: Sequence[tuple[str, str]]
) -> dict[str, Any]:
    """The difference of two resources as a FHIRPath Patch. Errors: as `diff_versions`."""
    given = _given(pairs, ("from", "to"))
    found = [_referred(server, connection, name, given.get(name)) for name in ("from", "to")]
    if found[0].type != found[1].type:
        raise refuse(400, "diff-types", "invalid", before=found[0].type, after=found[1].type)
    return _difference(server, *found)


def _given(pairs: Sequence[tuple[str, str]], known: Sequence[str]) -> dict[str, str]:
    for name, _ in pairs:
        if name not in known:
            raise refuse(400, "operation-parameter-unknown", "not-supported", f"http.{name[:64]}",
                         name=name[:64], allowed=", ".join(known))  # fmt: skip
    return dict(pairs)


def _referred(
    server: FhirServer, connection: Connection, name: str, text: str | None
) -> StoredResource:
    reference = parse_reference(text or "")
    if not reference.is_local({server.base_url}) or reference.type not in TYPE_NUMBERS:
        raise refuse(400, "diff-reference", "value", parameter=name)
    return _version(connection, reference.type, reference.id, reference.version)


def _version(
    connection: Connection, resource_type: str, resource_id: str, version: str | None
) -> StoredResource:
    if version is None:
        answer = read(connection, resource_type, resource_id)
    else:
        answer = vread(connection, resource_type, resource_id, version)
    assert answer.stored is not None  # noqa: S101 — else it was refused
    return answer.stored


def _difference(
    server: FhirServer, before: StoredResource, after: StoredResource
) -> dict[str, Any]:
    contents = [parse_stored(stored.body or b"{}") for stored in (before, after)]
    return difference(server.definitions.type_model, *contents)
