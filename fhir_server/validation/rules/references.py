"""References: their form, and whether what they lead to is of an allowed type.

Source: FHIR R4 §2.3.0, https://hl7.org/fhir/R4/references.html
"""

import re
from typing import Any

from fhir_server.definitions.definitions import STRUCTURE_BASE
from fhir_server.validation.check import Check
from fhir_server.validation.element import Element, TypeRef
from fhir_server.validation.inspection import Inspection
from fhir_server.validation.items import Item
from fhir_server.validation.knowledge import Knowledge
from fhir_server.validation.report import Report, shown
from fhir_server.validation.scope import Scope, referenced_type

_ANY = frozenset({"Resource", "DomainResource"})
_ABSOLUTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:\S+")


def allowed_types(type_ref: TypeRef, knowledge: Knowledge) -> frozenset[str] | None:
    """The resource types that a reference may lead to; None where any may."""
    if not type_ref.targets:
        return None
    types: set[str] = set()
    for target in type_ref.targets:
        name = _type_of(target, knowledge)
        if name is None or name in _ANY:
            return None
        types.add(name)
    return frozenset(types)


def _type_of(canonical: str, knowledge: Knowledge) -> str | None:
    structure = knowledge.definitions.structure(canonical)
    if structure is not None:
        name: str = structure["type"]
        return name
    return canonical.removeprefix(STRUCTURE_BASE) if canonical.startswith(STRUCTURE_BASE) else None


def is_profiled(type_ref: TypeRef, knowledge: Knowledge) -> bool:
    """Whether a target must conform to more than a base type."""
    return any(
        (structure := knowledge.definitions.structure(target)) is not None
        and structure.get("derivation") == "constraint"
        for target in type_ref.targets
    )


def compile_reference(type_ref: TypeRef, knowledge: Knowledge) -> list[Check]:
    """The fast checks of a Reference."""
    allowed = allowed_types(type_ref, knowledge)
    profiled = is_profiled(type_ref, knowledge)
    aggregated = bool(type_ref.aggregation) or type_ref.versioning in {"specific", "independent"}

    def check(value: Any, scope: Scope, _place: Element) -> bool:
        reference = value.get("reference")
        if reference is None:
            kind = value.get("type")
            return allowed is None or kind is None or kind in allowed
        if type(reference) is not str or aggregated:
            return False
        if reference[:1] == "#":
            target = scope.resolve(reference)
            return (
                target is not None
                and not profiled
                and (allowed is None or target.get("resourceType") in allowed)
            )
        if scope.bundle is not None:
            found = scope.candidates(reference)
            if len(found) > 1 or (found and profiled):
                return False
            if found:
                return allowed is None or found[0].get("resourceType") in allowed
        if allowed is None:
            return True
        kind = referenced_type(reference) or value.get("type")
        return kind is None or kind in allowed

    return [check]


def explain_reference(element: Element, item: Item, case: Inspection) -> dict[str, Any] | None:
    """The detailed check; gives the target where it is at hand and must meet more than a base type."""
    value, type_ref = item.value, element.type_ref("Reference")
    if not isinstance(value, dict) or type_ref is None:
        return None
    reference = value.get("reference")
    allowed = allowed_types(type_ref, case.knowledge)
    if not isinstance(reference, str):
        _explain_type(value.get("type"), allowed, element, item, case.report)
        return None
    found = case.scope.candidates(reference)
    if reference.startswith("#") and not found:
        case.report.error(
            "reference-contained-missing",
            "invalid",
            item.location,
            element.profile,
            reference=shown(reference),
        )
        return None
    if len(found) > 1:
        case.report.error(
            "reference-ambiguous", "invalid", item.location, element.profile,
            reference=shown(reference), found=len(found),
        )  # fmt: skip
        return None
    _explain_aggregation(element, type_ref, item, case, found=bool(found))
    named = referenced_type(reference) or value.get("type")
    kind = found[0].get("resourceType") if found else named
    _explain_type(kind, allowed, element, item, case.report)
    return found[0] if found and is_profiled(type_ref, case.knowledge) else None


def _explain_type(
    kind: Any, allowed: frozenset[str] | None, element: Element, item: Item, report: Report
) -> None:
    if kind is not None and allowed is not None and kind not in allowed:
        report.error(
            "reference-type", "structure", item.location, element.profile,
            found=shown(kind), expected=", ".join(sorted(allowed)),
        )  # fmt: skip


def _explain_aggregation(
    element: Element, type_ref: TypeRef, item: Item, case: Inspection, *, found: bool
) -> None:
    reference: str = item.value["reference"]
    if type_ref.aggregation:
        if reference.startswith("#"):
            mode = "contained"
        elif found and case.scope.bundle is not None:
            mode = "bundled"
        else:
            mode = "referenced"
        allowed = set(type_ref.aggregation)
        if mode not in allowed and not (mode == "bundled" and "referenced" in allowed):
            case.report.error(
                "reference-aggregation", "structure", item.location, element.profile,
                found=mode, expected=", ".join(type_ref.aggregation),
            )  # fmt: skip
    is_versioned = "/_history/" in reference
    wanted = type_ref.versioning
    if (wanted == "specific" and not is_versioned) or (wanted == "independent" and is_versioned):
        case.report.error(
            "reference-versioning", "structure", item.location, element.profile, expected=wanted
        )
