"""References: their form, and whether what they lead to is of an allowed type.

Source: FHIR R4 §2.3.0, https://hl7.org/fhir/R4/references.html
"""

import re
from typing import Any

from fhir_server.definitions.definitions import STRUCTURE_BASE
from fhir_server.validation.check import Check
from fhir_server.validation.element import Element, TypeRef
from fhir_server.validation.inspection import Conforms, Inspection
from fhir_server.validation.items import Item
from fhir_server.validation.knowledge import Knowledge
from fhir_server.validation.report import Report, shown
from fhir_server.validation.scope import Scope, referenced_type

_ANY = frozenset({"Resource", "DomainResource"})
_ABSOLUTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:\S+")
_RELATIVE = re.compile(
    r"(?P<type>[A-Za-z]+)(/[A-Za-z0-9\-.]+(/_history/[A-Za-z0-9\-.]+)?(#.*)?|\?.+)"
)
_PLAIN = re.compile(r"([A-Z][A-Za-z]+)/[A-Za-z0-9\-.]{1,64}")
"""`Type/id`, as most references are: one look tells the form and the type."""


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
    """Whether a target must conform to more than a base type; a profile that is not known may be met."""
    return all(knowledge.plans.plan(target) is not None for target in type_ref.targets) and any(
        (structure := knowledge.definitions.structure(target)) is not None
        and structure.get("derivation") == "constraint"
        for target in type_ref.targets
    )


def has_form(reference: str, scope: Scope, knowledge: Knowledge) -> bool:
    """Whether a literal reference has one of its forms: absolute, within the resource, `Type/id`, or the
    search of a conditional reference (§2.3.0.1, §3.1.0.11.2).
    """
    if reference[:1] == "#" or _ABSOLUTE.match(reference):
        return True
    match = _RELATIVE.fullmatch(reference)
    if match is None or match["type"] not in knowledge.resource_types:
        return False
    return "?" not in reference or _may_search(scope)


def _may_search(scope: Scope) -> bool:
    """Whether references may be searches: in transactions alone. Out of any Bundle they may be on their
    way into one.

    Source: FHIR R4 §3.1.0.11.2, https://hl7.org/fhir/R4/http.html#trules
    """
    return scope.bundle is None or scope.bundle.type in (None, "transaction")


def is_missing_in_parameters(reference: str, scope: Scope) -> bool:
    """Whether a relative reference within Parameters names a resource of a type that they bring, under an
    id that none of them has: what is passed together refers to each other (§3.2.0.5).
    """
    outer = scope.outer
    while outer is not None and outer.resource.get("resourceType") != "Parameters":
        outer = outer.outer
    kind = referenced_type(reference)
    if outer is None or kind is None or _ABSOLUTE.match(reference):
        return False
    return any(key.startswith(f"{kind}/") for key in outer.own_bundle.by_id)


def has_stated_type(value: dict[str, Any], target: dict[str, Any] | None) -> bool:
    """Whether `Reference.type`, where it is given, is the type of the target."""
    return target is None or _states(value, target.get("resourceType"))


def _states(value: dict[str, Any], kind: Any) -> bool:
    stated = value.get("type")
    return not isinstance(stated, str) or stated.removeprefix(STRUCTURE_BASE) == kind


def has_named_type(value: dict[str, Any], named: str | None) -> bool:
    """Whether `Reference.type`, where it is given, is the type that a RESTful reference names: the two
    "SHALL be consistent" (https://hl7.org/fhir/R4/references-definitions.html#Reference.type).
    """
    return named is None or _states(value, named)


def conforms_to_target(
    target: dict[str, Any],
    reference: str,
    profiles: tuple[str, ...],
    scope: Scope,
    conforms: Conforms,
) -> bool:
    """Whether a target meets one of the profiles that a reference asks for. Each target is judged once for
    each profile, so that circles of references end.
    """
    around = scope.target(target, reference)
    return any(conforms(target, profile, around) for profile in profiles)


def compile_reference(type_ref: TypeRef, knowledge: Knowledge, conforms: Conforms) -> list[Check]:
    """The fast checks of a Reference."""
    allowed = allowed_types(type_ref, knowledge)
    profiled = is_profiled(type_ref, knowledge)
    aggregated = bool(type_ref.aggregation) or type_ref.versioning in {"specific", "independent"}
    known_types = knowledge.resource_types

    def is_right(target: dict[str, Any], reference: str, scope: Scope) -> bool:
        return (allowed is None or target.get("resourceType") in allowed) and (
            not profiled or conforms_to_target(target, reference, type_ref.targets, scope, conforms)
        )

    def check(value: Any, scope: Scope, _place: Element) -> bool:
        reference = value.get("reference")
        if reference is None:
            kind = value.get("type")
            return allowed is None or kind is None or kind in allowed
        if type(reference) is not str or aggregated:
            return False
        plain = _PLAIN.fullmatch(reference)
        if not (
            has_form(reference, scope, knowledge) if plain is None else plain[1] in known_types
        ):
            return False
        if reference[:1] == "#":
            contained = scope.resolve(reference)
            return (
                contained is not None
                and has_stated_type(value, contained)
                and is_right(contained, reference, scope)
            )
        if scope.bundle is not None:
            found = scope.candidates(reference)
            if found:
                return (
                    len(found) == 1
                    and has_stated_type(value, found[0])
                    and is_right(found[0], reference, scope)
                )
            if is_missing_in_parameters(reference, scope):
                return False
        return _names_allowed(
            value, referenced_type(reference) if plain is None else plain[1], allowed
        )

    return [check]


def _names_allowed(
    value: dict[str, Any], named: str | None, allowed: frozenset[str] | None
) -> bool:
    """Whether the type of a target that is not at hand, as far as it is named, is right."""
    if not has_named_type(value, named):
        return False
    kind = named or value.get("type")
    return allowed is None or kind is None or kind in allowed


def explain_reference(element: Element, item: Item, case: Inspection) -> None:
    """The detailed check."""
    value, type_ref = item.value, element.type_ref("Reference")
    if not isinstance(value, dict) or type_ref is None:
        return
    reference = value.get("reference")
    allowed = allowed_types(type_ref, case.knowledge)
    if not isinstance(reference, str):
        _explain_type(value.get("type"), allowed, element, item, case.report)
        return
    if not has_form(reference, case.scope, case.knowledge):
        case.report.error(
            "reference-form", "invalid", item.location, element.profile, reference=shown(reference)
        )
    found = case.scope.candidates(reference)
    if reference.startswith("#") and not found:
        case.report.error(
            "reference-contained-missing",
            "invalid",
            item.location,
            element.profile,
            reference=shown(reference),
        )
        return
    if not found and is_missing_in_parameters(reference, case.scope):
        case.report.error(
            "reference-not-in-parameters", "structure", item.location, element.profile,
            reference=shown(reference),
        )  # fmt: skip
    if len(found) > 1:
        case.report.error(
            "reference-ambiguous", "invalid", item.location, element.profile,
            reference=shown(reference), found=len(found),
        )  # fmt: skip
        return
    if found and not has_stated_type(value, found[0]):
        case.report.error(
            "reference-stated-type", "structure", item.location, element.profile,
            stated=shown(value["type"]), found=shown(found[0].get("resourceType")),
        )  # fmt: skip
    named = referenced_type(reference)
    if not found and not has_named_type(value, named):
        case.report.error(
            "reference-stated-type", "structure", item.location, element.profile,
            stated=shown(value["type"]), found=shown(named),
        )  # fmt: skip
    _explain_aggregation(element, type_ref, item, case, found=bool(found))
    kind = found[0].get("resourceType") if found else named or value.get("type")
    _explain_type(kind, allowed, element, item, case.report)
    if found and is_profiled(type_ref, case.knowledge):
        _explain_profile(found[0], type_ref, element, item, case)


def _explain_type(
    kind: Any, allowed: frozenset[str] | None, element: Element, item: Item, report: Report
) -> None:
    # What is no text is told where it stands.
    if isinstance(kind, str) and allowed is not None and kind not in allowed:
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


def _explain_profile(
    target: dict[str, Any], type_ref: TypeRef, element: Element, item: Item, case: Inspection
) -> None:
    reference, profiles = item.value["reference"], type_ref.targets
    if not conforms_to_target(target, reference, profiles, case.scope, case.conforms):
        case.report.error("reference-profile", "structure", item.location, element.profile,
                          reference=reference, profiles=", ".join(profiles))  # fmt: skip
