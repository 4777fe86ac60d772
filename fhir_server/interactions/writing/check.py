"""What a resource must pass before it is written: shape, identity, and every profile it claims."""

import re
from collections.abc import Sequence
from typing import Any

from msgspec import structs

from fhir_server.interactions.conditions import EntityTags
from fhir_server.interactions.server import FhirServer
from fhir_server.interactions.subscriptions.definition import has_ended, read_definition
from fhir_server.interactions.writing.change import Change
from fhir_server.interactions.writing.definitions import check_search_definition
from fhir_server.model.issues import Issue, Refused, has_errors, refuse
from fhir_server.store.resource_types import TYPE_NUMBERS
from fhir_server.store.resources import StoredResource

ID_PATTERN = re.compile(r"[A-Za-z0-9\-.]{1,64}")
"""Source: FHIR R4 id, https://hl7.org/fhir/R4/datatypes.html#id"""


def check_resource_type(resource: Any, expected: str, expression: str) -> None:
    """Errors: Refused 400 where the content is no resource of the expected type."""
    if not isinstance(resource, dict) or not isinstance(resource.get("resourceType"), str):
        raise refuse(400, "json-not-a-resource", "structure", expression)
    if resource["resourceType"] != expected:
        found = resource["resourceType"][:64]
        raise refuse(
            400, "resource-type-mismatch", "invalid", expression, expected=expected, found=found
        )


def check_type_known(resource_type: str, expression: str = "", *, status: int = 400) -> None:
    """Errors: Refused where this is no resource type of R4; 404 for one in a path of HTTP."""
    if resource_type not in TYPE_NUMBERS:
        raise refuse(
            status, "resource-type-unknown", "not-supported", expression, type=resource_type[:64]
        )


def check_id(resource_id: str, expression: str) -> None:
    """Errors: Refused 400 where this can be no id."""
    if ID_PATTERN.fullmatch(resource_id) is None:
        raise refuse(400, "id-invalid", "value", expression)


def check_body_id(change: Change) -> None:
    """The id in the body of an update is that of the URL.

    Errors: Refused 400. Source: https://hl7.org/fhir/R4/http.html#update
    """
    body_id = (change.resource or {}).get("id")
    if change.id is None:
        return
    if body_id is None:
        raise refuse(400, "id-missing", "required", f"{change.expression()}.id", id=change.id)
    if body_id != change.id:
        raise refuse(400, "id-mismatch", "invalid", f"{change.expression()}.id", id=change.id)


def validate_change(
    server: FhirServer, change: Change, together: Sequence[dict[str, Any]] = ()
) -> list[Issue]:
    """The issues of a change's resource, their expressions led by its entry. Empty for a valid one.

    Shape: `together` the SearchParameters that are written with it.
    """
    if change.resource is None:
        return []
    issues = []
    if not server.validator.accepts(change.resource):
        issues = server.validator.validate(change.resource)
    if change.type == "SearchParameter" and not has_errors(issues):
        issues = [*issues, *check_search_definition(server, change.resource, together)]
    is_live = change.type == "Subscription" and not has_ended(change.resource)
    if is_live and not has_errors(issues):
        issues = [*issues, *read_definition(server, change.resource)[1]]
    if not change.at:
        return issues
    return [
        structs.replace(
            issue, expression=_in_entry(issue.expression, change.type, change.expression())
        )
        for issue in issues
    ]


def _in_entry(expression: str, resource_type: str, entry: str) -> str:
    return (
        entry + expression[len(resource_type) :] if expression.startswith(resource_type) else entry
    )


def check_changes(server: FhirServer, changes: list[Change]) -> None:
    """Validate every resource of the changes; warnings are kept with their change.

    Errors: Refused 422 with all issues of all entries.
    """
    faults: list[Issue] = []
    together = [c.resource for c in changes if c.type == "SearchParameter" and c.resource]
    for change in changes:
        issues = validate_change(server, change, together)
        if has_errors(issues):
            faults.extend(issues)
        change.warnings = issues
    if faults:
        raise Refused(422, faults)


def check_preconditions(change: Change) -> None:
    """If-Match and If-None-Match against the locked row, and the id that a conditional update brings.

    Errors: Refused 412; 409 where criteria match nothing and the id that was sent is another resource's:
    to update that one would overwrite what the client did not ask for.
    Source: https://hl7.org/fhir/R4/http.html#concurrency; https://hl7.org/fhir/R5/http.html#cond-update
    """
    current = change.existing
    expected, unwanted = change.conditions.if_match, change.conditions.if_none_match
    if expected is not None and not _is_named(expected, current):
        where = change.condition("If-Match")
        if current is None:
            raise refuse(412, "version-of-none", "conflict", where, expected=expected)
        raise refuse(412, "version-conflict", "conflict", where,
                     expected=expected, found=current.version)  # fmt: skip
    if unwanted is not None and _is_named(unwanted, current):
        where = change.condition("If-None-Match")
        raise refuse(412, "already-exists", "duplicate", where, unwanted=unwanted)
    is_update_as_create = change.criteria is not None and change.found_version is None
    if change.method == "PUT" and is_update_as_create and current and not current.deleted:
        raise refuse(
            409, "criteria-other-id", "conflict", f"{change.expression()}.id", id=change.id
        )


def _is_named(tags: EntityTags, current: StoredResource | None) -> bool:
    if current is None or (tags.versions is None and current.deleted):
        return False
    return tags.name(current.version)
