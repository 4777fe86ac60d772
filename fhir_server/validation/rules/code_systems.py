"""CodeSystems: what concepts say of themselves is declared, refers to concepts there are, and adds up.

Source: FHIR R4 CodeSystem, https://hl7.org/fhir/R4/codesystem.html
"""

from collections.abc import Iterator
from typing import Any

from fhir_server.validation.inspection import Inspection
from fhir_server.validation.report import shown

Resource = dict[str, Any]

_DEFINED = frozenset({
    "inactive", "deprecated", "deprecationDate", "notSelectable", "parent", "child", "comment", "status",
    "retirementDate", "synonym", "effectiveDate",
})  # fmt: skip
"""Properties that HL7 defines for every code system (http://hl7.org/fhir/concept-properties)."""
_VALUE_KEYS = {
    "code": "valueCode", "Coding": "valueCoding", "string": "valueString", "integer": "valueInteger",
    "boolean": "valueBoolean", "dateTime": "valueDateTime", "decimal": "valueDecimal",
}  # fmt: skip


def explain_code_system(resource: Resource, location: str, case: Inspection) -> None:
    """The detailed check of a CodeSystem."""
    concepts = list(_concepts(resource, location))
    codes = {concept.get("code") for concept, _ in concepts}
    is_whole = resource.get("content") in {"complete", None}
    declared = {
        one["code"]: one.get("type")
        for one in resource.get("property") or ()
        if isinstance(one, dict) and isinstance(one.get("code"), str)
    }
    for concept, place in concepts:
        for index, held in enumerate(concept.get("property") or ()):
            if isinstance(held, dict):
                at = f"{place}.property[{index}]"
                _explain_property(held, declared, at, case)
                if is_whole:
                    _explain_code_value(held, declared, codes, at, case)
    count = resource.get("count")
    if isinstance(count, int) and concepts and is_whole and count != len(concepts):
        case.report.error("code-system-count", "invalid", f"{location}.count",
                          stated=count, found=len(concepts))  # fmt: skip
    if resource.get("content") == "supplement" and "supplements" not in resource:
        case.report.error("code-system-supplement", "required", location)


def _concepts(holder: Resource, location: str) -> Iterator[tuple[Resource, str]]:
    waiting = [(holder, location)]
    while waiting:
        one, place = waiting.pop()
        for index, concept in enumerate(one.get("concept") or ()):
            if isinstance(concept, dict):
                at = f"{place}.concept[{index}]"
                yield concept, at
                waiting.append((concept, at))


def _explain_property(
    held: Resource, declared: dict[str, Any], place: str, case: Inspection
) -> None:
    code = held.get("code")
    if not isinstance(code, str):
        return
    if code not in declared:
        if code not in _DEFINED:
            case.report.error("code-system-property", "invalid", f"{place}.code", code=shown(code))
        return
    wanted = _VALUE_KEYS.get(str(declared[code]))
    found = next((key for key in held if key.startswith("value")), None)
    if wanted is not None and found is not None and found != wanted:
        case.report.error("code-system-property-type", "invalid", place,
                          code=code, expected=wanted, found=found)  # fmt: skip


def _explain_code_value(
    held: Resource, declared: dict[str, Any], codes: set[Any], place: str, case: Inspection
) -> None:
    """A property of type code names another concept of the system, as `parent` and `child` do."""
    name, value = held.get("code"), held.get("valueCode")
    is_concept = declared.get(str(name)) == "code" or name in {"parent", "child"}
    if is_concept and name not in {"status"} and isinstance(value, str) and value not in codes:
        add = case.report.error if name in {"parent", "child"} else case.report.warning
        add("code-system-property-code", "invalid", f"{place}.value", None,
            code=shown(name), found=shown(value))  # fmt: skip
