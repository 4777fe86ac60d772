"""Ids of elements: no two elements of a resource have the same.

A resource that another contains has ids of its own, and so has an entry of a Bundle. The ids of
ElementDefinitions are paths, which the differential and the snapshot repeat (§2.1.28.2, sdf-16 and sdf-17).

A scan meets ids rarely: it notes each, and only a resource in which one has come twice is walked through.

Source: FHIR R4 Element.id, https://hl7.org/fhir/R4/element-definitions.html#Element.id
"""

from collections.abc import Iterator
from typing import Any

from fhir_server.model.primitives import PRIMITIVES
from fhir_server.validation.doubts import MemberDoubts, MemberScan
from fhir_server.validation.element import Element
from fhir_server.validation.items import items_of
from fhir_server.validation.plans import Plans
from fhir_server.validation.report import Report, shown
from fhir_server.validation.scope import Scope

_WITH_PATHS = "ElementDefinition"


def is_element_id(element: Element, type_code: str) -> bool:
    """Whether an element is the id of one, and not that of a resource. Shape: `type_code` of what has it."""
    return "Element.id" in element.base_paths and type_code != _WITH_PATHS


def noting_id(member: MemberScan) -> MemberScan:
    """The member of an id, which the scope keeps beside what it passes."""

    def noted(
        value: Any, beside: dict[str, Any], scope: Scope, place: Element
    ) -> MemberDoubts | None:
        scope.note_id(value, beside)
        return member(value, beside, scope, place)

    return noted


def noting_ids_beside(member: MemberScan) -> MemberScan:
    """The member of `_key`, which may hold the id of a primitive, or those of several."""

    def noted(
        value: Any, beside: dict[str, Any], scope: Scope, place: Element
    ) -> MemberDoubts | None:
        for one in value if isinstance(value, list) else (value,):
            if isinstance(one, dict) and "id" in one:
                scope.note_id(one["id"], one)
        return member(value, beside, scope, place)

    return noted


def explain_element_ids(
    resource: dict[str, Any], root: Element, plans: Plans, location: str, report: Report
) -> None:
    """The detailed check: an error at each element whose id one before it has."""
    seen: set[str] = set()
    for own_id, place in _ids(resource, root, plans, location):
        if own_id in seen:
            report.error("element-id-twice", "duplicate", place, id=shown(own_id))
        seen.add(own_id)


def _ids(
    value: dict[str, Any], content: Element, plans: Plans, location: str
) -> Iterator[tuple[str, str]]:
    """The ids of the elements in an object, each with the place of its element, in the order of the type."""
    for child in content.children:
        for item in items_of(child, value, location):
            holder = item.sibling if item.type_code in PRIMITIVES else item.value
            if not isinstance(holder, dict) or plans.types.is_resource(item.type_code):
                continue
            own_id = holder.get("id")
            if isinstance(own_id, str) and item.type_code != _WITH_PATHS:
                yield own_id, item.location
            inner = plans.content(child, item.type_code)
            if inner is not None:
                yield from _ids(holder, inner, plans, item.location)
