"""$validate: what a write would say, without writing.

Source: https://hl7.org/fhir/R4/resource-operation-validate.html
"""

from collections.abc import Sequence
from typing import Any

from fhir_server.interactions.server import FhirServer
from fhir_server.interactions.writing.check import check_resource_type
from fhir_server.model.issues import Issue, error, refuse

MODES = frozenset({"create", "update", "delete", "profile"})


def validate(
    server: FhirServer, resource_type: str | None, content: Any, *, profiles: Sequence[str] = ()
) -> list[Issue]:
    """The issues of a resource against its type, the profiles it claims and those asked for.

    Shape: `content` is the resource, or Parameters with `resource`, `profile` and `mode`.
    Errors: Refused 400 where there is nothing to validate.
    """
    asked = list(profiles)
    resource = content
    if _is_parameters(content) and resource_type != "Parameters":
        resource = None
        parameters = content.get("parameter")
        for parameter in parameters if isinstance(parameters, list) else ():
            name = parameter.get("name") if isinstance(parameter, dict) else None
            if name == "resource":
                resource = parameter.get("resource")
            elif name == "profile":
                asked.append(str(parameter.get("valueUri") or parameter.get("valueCanonical")))
            elif name == "mode" and parameter.get("valueCode") not in MODES:
                raise refuse(
                    400, "validate-mode", "value", "Parameters.parameter.where(name='mode')"
                )
    if resource is None:
        raise refuse(
            400, "validate-nothing", "required", "Parameters.parameter.where(name='resource')"
        )
    found = resource.get("resourceType") if isinstance(resource, dict) else None
    if not isinstance(found, str):
        raise refuse(400, "json-not-a-resource", "structure", resource_type or "")
    if resource_type is not None and found != resource_type:
        return [error("resource-type-mismatch", "invalid", found[:64],
                      expected=resource_type, found=found[:64])]  # fmt: skip
    check_resource_type(resource, found, found)
    return server.validator.validate(resource, asked)


def _is_parameters(content: Any) -> bool:
    return isinstance(content, dict) and content.get("resourceType") == "Parameters"
