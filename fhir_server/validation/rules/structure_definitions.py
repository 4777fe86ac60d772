"""StructureDefinitions: a differential that its base allows, and a snapshot that can be made of it.

Source: FHIR R4 StructureDefinition, https://hl7.org/fhir/R4/structuredefinition.html, ElementDefinition,
https://hl7.org/fhir/R4/elementdefinition.html, and §5.1 profiling, https://hl7.org/fhir/R4/profiling.html
"""

from collections.abc import Iterator, Mapping
from typing import Any

from fhir_server.validation.expressions import NotEvaluated
from fhir_server.validation.inspection import Inspection
from fhir_server.validation.report import shown
from fhir_server.validation.rules.differentials import Differential, fault_of_snapshot

Resource = dict[str, Any]

_PREFIXES = ("fixed", "pattern")
_BINDABLE = frozenset({
    "code", "Coding", "CodeableConcept", "Quantity", "string", "uri", "Duration", "Age", "Count", "Distance",
    "Money", "SimpleQuantity", "canonical", "url", "CodeableReference",
})  # fmt: skip


def explain_structure_definition(resource: Resource, location: str, case: Inspection) -> None:
    """The detailed check of a StructureDefinition."""
    elements = _elements(resource)
    differential = Differential(resource, case.knowledge)
    fault = fault_of_snapshot(resource, case.knowledge)
    if fault is not None:
        unknown_base = fault.reason == "profile-unknown-base"
        add = case.report.warning if unknown_base else case.report.error
        add(fault.reason, "processing", location, None, **fault.parameters)
    for index, element in enumerate(elements):
        place = f"{location}.differential.element[{index}]"
        _explain_path(element, resource, place, case)
        _explain_constraints(element, resource, place, case)
        _explain_types(element, place, case)
        _explain_values(element, place, case)
        _explain_binding(element, place, case)
        if fault is None:
            _explain_against_base(element, differential, place, case)


def _elements(resource: Resource) -> list[Mapping[str, Any]]:
    differential = resource.get("differential")
    elements = differential.get("element") if isinstance(differential, dict) else None
    return [one for one in elements or () if isinstance(one, dict)]


def _explain_path(
    element: Mapping[str, Any], resource: Resource, place: str, case: Inspection
) -> None:
    path, name = element.get("path"), resource.get("type")
    if isinstance(path, str) and isinstance(name, str):
        root = name.rpartition("/")[2]
        if path != root and not path.startswith(f"{root}."):
            case.report.error("element-path", "invalid", place, path=shown(path), type=shown(name))


def _explain_constraints(
    element: Mapping[str, Any], resource: Resource, place: str, case: Inspection
) -> None:
    """An invariant compiles; the type it starts from is not asked, for a profile may narrow it."""
    for index, constraint in enumerate(element.get("constraint") or ()):
        expression = constraint.get("expression") if isinstance(constraint, dict) else None
        if not isinstance(expression, str):
            continue
        try:
            case.knowledge.expressions.compiled(expression, "Element")
        except NotEvaluated as fault:
            case.report.error(
                "constraint-expression", "invalid", f"{place}.constraint[{index}].expression",
                key=shown(constraint.get("key")), reason=fault.why,
                profile=shown(resource.get("url")),
            )  # fmt: skip


def _types(element: Mapping[str, Any]) -> Iterator[tuple[int, Mapping[str, Any]]]:
    for index, entry in enumerate(element.get("type") or ()):
        if isinstance(entry, dict):
            yield index, entry


def _explain_types(element: Mapping[str, Any], place: str, case: Inspection) -> None:
    for index, entry in _types(element):
        for number, profile in enumerate(entry.get("profile") or ()):
            structure = case.knowledge.definitions.structure(profile)
            if structure is not None and not _profiles(structure, entry.get("code"), case):
                case.report.error(
                    "type-profile-type", "invalid", f"{place}.type[{index}].profile[{number}]",
                    profile=shown(profile), expected=shown(entry.get("code")),
                    found=shown(structure.get("type")),
                )  # fmt: skip


def _profiles(structure: Resource, code: Any, case: Inspection) -> bool:
    """Whether a StructureDefinition constrains a type, or one that is more special than an abstract one."""
    name = structure.get("type")
    if not isinstance(code, str) or not isinstance(name, str):
        return False
    return name == code or (
        code in {"Resource", "DomainResource", "Element", "BackboneElement"}
        and (case.knowledge.types.is_subtype(name, code))
    )


def _explain_values(element: Mapping[str, Any], place: str, case: Inspection) -> None:
    """A fixed or pattern value has one of the types of the element."""
    codes = {entry.get("code") for _, entry in _types(element)}
    for key in element:
        prefix = next((p for p in _PREFIXES if key.startswith(p) and key != p), None)
        if prefix is None or not codes:
            continue
        name = key.removeprefix(prefix)
        if not any(isinstance(c, str) and c[:1].upper() + c[1:] == name for c in codes):
            case.report.error(
                "value-type", "invalid", f"{place}.{prefix}", found=name,
                expected=", ".join(sorted(str(code) for code in codes)),
            )  # fmt: skip


def _explain_binding(element: Mapping[str, Any], place: str, case: Inspection) -> None:
    codes = {str(entry.get("code")) for _, entry in _types(element)}
    if "binding" in element and codes and not codes & _BINDABLE and "Extension" not in codes:
        case.report.error("binding-type", "invalid", place, types=", ".join(sorted(codes)))


def _explain_against_base(
    element: Mapping[str, Any], differential: Differential, place: str, case: Inspection
) -> None:
    for issue_id, part, parameters in differential.conflicts(element):
        case.report.error(issue_id, "business-rule", f"{place}{part}", None, **parameters)
    slicing = element.get("slicing")
    for index, discriminator in enumerate(
        (slicing.get("discriminator") or ()) if isinstance(slicing, dict) else ()
    ):
        if isinstance(discriminator, dict) and not differential.leads_somewhere(
            element, discriminator
        ):
            case.report.error(
                "discriminator-path", "invalid", f"{place}.slicing.discriminator[{index}]",
                path=shown(discriminator.get("path")), element=shown(element.get("path")),
            )  # fmt: skip
