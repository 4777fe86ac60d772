"""Contained resources: an id, which no other has that is contained beside it.

What else is asked of them are constraints of DomainResource (dom-2 … dom-5).

Source: FHIR R4 §2.3.0.5, https://hl7.org/fhir/R4/references.html#contained
"""

from typing import Any

from fhir_server.validation.report import Report, shown
from fhir_server.validation.scope import Scope


def has_id_of_its_own(resource: dict[str, Any], scope: Scope) -> bool:
    """Whether the id of a contained resource leads to it alone. Shape: `scope` of the one around it."""
    own_id = resource.get("id")
    if not isinstance(own_id, str) or scope.contained_by_id.get(own_id) is not resource:
        return False
    return len(scope.contained_by_id) == len(scope.root["contained"])


def explain_contained_id(
    resource: dict[str, Any], scope: Scope, location: str, report: Report
) -> None:
    """The detailed check of the id; one that is no text is told as a primitive."""
    if "id" not in resource:
        report.error("contained-id-missing", "required", location)
        return
    own_id = resource["id"]
    beside = scope.resource.get("contained")
    if not isinstance(own_id, str) or not isinstance(beside, list):
        return
    alike = sum(isinstance(other, dict) and other.get("id") == own_id for other in beside)
    if alike > 1:
        report.error("contained-id-twice", "duplicate", f"{location}.id", id=shown(own_id))
