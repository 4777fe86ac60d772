"""$meta, $meta-add, $meta-delete: profiles, tags and security labels of a resource.

Adding and deleting make a new version, as any change does; nothing changes without a trace.

Source: https://hl7.org/fhir/R4/resource-operation-meta.html and its siblings -add and -delete
"""

from collections.abc import Callable, Mapping
from typing import Any, Literal

from fhir_server.interactions.conditions import UNCONDITIONAL, Conditions
from fhir_server.interactions.patch import patch
from fhir_server.interactions.read import read
from fhir_server.interactions.server import FhirServer
from fhir_server.interactions.vread import vread
from fhir_server.model.issues import refuse
from fhir_server.model.json_source import parse_stored
from fhir_server.store.resources import Connection

_LISTS = ("profile", "security", "tag")

Change = Callable[[list[Any], list[Any]], list[Any]]


def meta(
    connection: Connection, resource_type: str, resource_id: str, version: str | None = None
) -> dict[str, Any]:
    """The meta of a resource, or of one of its versions, in Parameters.

    Errors: as read and vread.
    """
    if version is None:
        answer = read(connection, resource_type, resource_id)
    else:
        answer = vread(connection, resource_type, resource_id, version)
    stored = answer.stored
    body = parse_stored(stored.body) if stored is not None and stored.body is not None else {}
    return _parameters(body)


def change_meta(
    server: FhirServer,
    resource_type: str,
    resource_id: str,
    content: Any,
    kind: Literal["add", "delete"],
    *,
    conditions: Conditions = UNCONDITIONAL,
) -> dict[str, Any]:
    """Add to, or delete from, the lists of a resource's meta; the meta that comes out, in Parameters.

    Errors: Refused 400 without a `meta` parameter, else as patch.
    """
    given = _given(content)
    change = _with if kind == "add" else _without

    def apply(resource: dict[str, Any]) -> dict[str, Any]:
        own = resource.get("meta", {})
        lists = {name: change(own.get(name, []), given.get(name, [])) for name in _LISTS}
        kept = {name: value for name, value in own.items() if name not in _LISTS}
        filled = {name: members for name, members in lists.items() if members}
        return {**resource, "meta": {**kept, **filled}}

    stored = patch(server, resource_type, resource_id, apply, conditions=conditions).stored
    return _parameters(parse_stored(stored.body) if stored and stored.body else {})


def _parameters(resource: Mapping[str, Any]) -> dict[str, Any]:
    parameter = {"name": "return", "valueMeta": resource.get("meta", {})}
    return {"resourceType": "Parameters", "parameter": [parameter]}


def _given(content: Any) -> dict[str, Any]:
    listed = content.get("parameter") if isinstance(content, dict) else None
    for parameter in listed if isinstance(listed, list) else ():
        if not isinstance(parameter, dict) or parameter.get("name") != "meta":
            continue
        value = parameter.get("valueMeta")
        if isinstance(value, dict) and all(isinstance(value.get(n, []), list) for n in _LISTS):
            return value
    raise refuse(400, "operation-parameter-missing", "required", "Parameters", names="meta")


def _with(own: list[Any], given: list[Any]) -> list[Any]:
    present = {_identity(member) for member in own}
    return [*own, *(member for member in given if _identity(member) not in present)]


def _without(own: list[Any], given: list[Any]) -> list[Any]:
    unwanted = {_identity(member) for member in given}
    return [member for member in own if _identity(member) not in unwanted]


def _identity(member: Any) -> tuple[str, str]:
    """A coding is the same by system and code, whatever it is called."""
    if isinstance(member, dict):
        return str(member.get("system", "")), str(member.get("code", ""))
    return "", str(member)
