"""$validate: what a write would say, without writing.

The modes `create`, `update` and `delete` rehearse the write itself in a transaction that is rolled back,
so that what they say is what the write would say.

Source: https://hl7.org/fhir/R4/resource-operation-validate.html
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from fhir_server.interactions.read import read
from fhir_server.interactions.server import FhirServer
from fhir_server.interactions.writing.change import Change
from fhir_server.interactions.writing.check import check_changes, check_id, check_resource_type
from fhir_server.interactions.writing.write import run_write, write_changes
from fhir_server.model.issues import Issue, Refused, error, has_errors, refuse
from fhir_server.store.resources import Connection

MODES = frozenset({"create", "update", "delete", "profile"})


@dataclass(frozen=True, slots=True)
class _Asked:
    """What is to be validated, how, and against which further profiles."""

    resource: Any
    mode: str | None
    profiles: Sequence[str]


class _RehearsedError(Exception):
    """Ends a rehearsal: the transaction rolls back."""


def validate(
    server: FhirServer,
    resource_type: str | None,
    content: Any,
    *,
    resource_id: str | None = None,
    mode: str | None = None,
    profiles: Sequence[str] = (),
) -> list[Issue]:
    """The issues of a resource against its type, the profiles it claims and those asked for.

    Shape: `content` is the resource, or Parameters with `resource`, `profile` and `mode`; None where
    nothing was sent. `resource_id` the id of the path.
    Errors: Refused 400 where there is nothing to validate, or a parameter is unknown or malformed.
    """
    asked = _read(content, mode, profiles, takes_parameters=resource_type != "Parameters")
    if asked.mode not in MODES | {None}:
        raise refuse(400, "validate-mode", "value", "Parameters.parameter.where(name='mode')")
    if asked.mode == "delete":
        return _rehearse_delete(server, resource_type, resource_id)
    if asked.resource is None:
        raise refuse(
            400, "validate-nothing", "required", "Parameters.parameter.where(name='resource')"
        )
    if asked.mode == "profile" and not asked.profiles:
        raise refuse(
            400, "validate-no-profile", "required", "Parameters.parameter.where(name='profile')"
        )
    found = asked.resource.get("resourceType") if isinstance(asked.resource, dict) else None
    if not isinstance(found, str):
        raise refuse(400, "json-not-a-resource", "structure", resource_type or "")
    if resource_type is not None and found != resource_type:
        return [error("resource-type-mismatch", "invalid", found[:64],
                      expected=resource_type, found=found[:64])]  # fmt: skip
    check_resource_type(asked.resource, found, found)
    issues = server.validator.validate(asked.resource, asked.profiles)
    if asked.mode in {"create", "update"} and not has_errors(issues):
        issues += _rehearse_write(server, asked.mode, asked.resource, resource_id)
    return issues


def _read(
    content: Any, mode: str | None, profiles: Sequence[str], *, takes_parameters: bool
) -> _Asked:
    """What is asked for, by the URL and by Parameters."""
    is_parameters = isinstance(content, dict) and content.get("resourceType") == "Parameters"
    if not is_parameters or not takes_parameters:
        return _Asked(content, mode, list(profiles))
    resource: Any = None
    asked = list(profiles)
    listed = content.get("parameter")
    for number, parameter in enumerate(listed if isinstance(listed, list) else ()):
        if not isinstance(parameter, dict):
            continue
        name = parameter.get("name")
        at = f"Parameters.parameter[{number}]"
        if name == "resource":
            resource = parameter.get("resource")
        elif name == "profile":
            asked.append(_text(parameter, at, ("valueUri", "valueCanonical", "valueUrl")))
        elif name == "mode":
            mode = _text(parameter, at, ("valueCode",))
        else:
            raise refuse(400, "operation-parameter-unknown", "not-supported", at,
                         name=str(name)[:64], allowed="mode, profile, resource")  # fmt: skip
    return _Asked(resource, mode, asked)


def _text(parameter: dict[str, Any], at: str, forms: Sequence[str]) -> str:
    """The value of a parameter; a string is taken for the type that is meant. Errors: Refused 400."""
    found = next((parameter[form] for form in (*forms, "valueString") if form in parameter), None)
    if not isinstance(found, str):
        raise refuse(400, "operation-parameter-value", "value", at,
                     name=parameter["name"], expected=", ".join(forms))  # fmt: skip
    return found


def _rehearse_write(
    server: FhirServer, mode: str, resource: dict[str, Any], resource_id: str | None
) -> list[Issue]:
    resource_type = str(resource["resourceType"])
    if mode == "create":
        return _rehearse(server, Change("POST", resource_type, resource=resource))
    own_id = resource_id or resource.get("id")
    if not isinstance(own_id, str):
        raise refuse(400, "validate-no-target", "required", f"{resource_type}.id")
    check_id(own_id, f"{resource_type}.id")
    if resource.get("id", own_id) != own_id:
        return [error("id-mismatch", "invalid", f"{resource_type}.id", id=own_id)]
    return _rehearse(server, Change("PUT", resource_type, id=own_id, resource=resource))


def _rehearse_delete(
    server: FhirServer, resource_type: str | None, resource_id: str | None
) -> list[Issue]:
    if resource_type is None or resource_id is None:
        raise refuse(400, "validate-no-target", "required")
    try:
        with server.database.connection() as connection:
            read(connection, resource_type, resource_id)
    except Refused as refused:
        return list(refused.issues)
    return _rehearse(server, Change("DELETE", resource_type, id=resource_id))


def _rehearse(server: FhirServer, change: Change) -> list[Issue]:
    """What the write would be refused for, beside what validation says."""

    def work(connection: Connection) -> None:
        write_changes(server, connection, [change])
        raise _RehearsedError

    try:
        check_changes(server, [change])
        run_write(server, work)
    except _RehearsedError:
        return []
    except Refused as refused:
        return list(refused.issues)
    return []
