"""Bindings: codes must come from the value set an element is bound to, as strictly as the binding says.

Source: FHIR R4 §4.1.5, https://hl7.org/fhir/R4/terminologies.html#strength
"""

from collections.abc import Iterator, Mapping
from typing import Any

from fhir_server.model.issues import Severity
from fhir_server.terminology.expansion import Expansion
from fhir_server.validation.check import Check
from fhir_server.validation.element import Element
from fhir_server.validation.errata import WIDER_VALUE_SETS
from fhir_server.validation.inspection import Inspection
from fhir_server.validation.items import Item
from fhir_server.validation.knowledge import Knowledge
from fhir_server.validation.report import shown
from fhir_server.validation.scope import Scope

MAX_VALUE_SET = "http://hl7.org/fhir/StructureDefinition/elementdefinition-maxValueSet"
_SEVERITIES: dict[str, Severity] = {"required": "error", "extensible": "warning"}
_TEXTS = frozenset({"code", "string", "uri", "url", "canonical"})
"""Types of which a value is a code by itself."""
_CODED = _TEXTS | {"Coding", "CodeableConcept", "Quantity"}
_QUANTITIES = frozenset(
    {"Quantity", "Age", "Count", "Distance", "Duration", "Money", "SimpleQuantity"}
)


def required_value_sets(element: Element) -> list[str]:
    """The value sets that every value must come from: of a required binding, or the outer bound of
    another.
    """
    binding = element.definition.get("binding") or {}
    value_sets = [
        extension.get("valueCanonical") or extension.get("valueUri") or ""
        for extension in binding.get("extension", ())
        if extension.get("url") == MAX_VALUE_SET
    ]
    if _strength_of(binding) == "required" and "valueSet" in binding:
        value_sets.insert(0, binding["valueSet"])
    return [url for url in value_sets if url]


def _strength_of(binding: Mapping[str, Any]) -> str | None:
    if str(binding.get("valueSet")).partition("|")[0] in WIDER_VALUE_SETS:
        return "extensible"
    strength: str | None = binding.get("strength")
    return strength


def compile_binding(
    element: Element, type_code: str, knowledge: Knowledge, *, silent: bool = False
) -> list[Check]:
    """The fast checks of the bindings that can make an error; where `silent`, of all."""
    if type_code not in _CODED and type_code not in _QUANTITIES:
        return []
    if silent:
        return _compile_silent(element, type_code, knowledge)
    return [_compile_one(url, type_code, knowledge) for url in required_value_sets(element)]


def _compile_silent(element: Element, type_code: str, knowledge: Knowledge) -> list[Check]:
    """The checks that pass only codes of which no binding has anything to say."""
    binding = element.definition.get("binding") or {}
    strength, value_sets = _strength_of(binding), required_value_sets(element)
    if not value_sets and strength in {"extensible", "preferred"} and binding.get("valueSet"):
        value_sets = [binding["valueSet"]]
    is_weak = strength == "preferred"

    def compiled(value_set: str) -> Check:
        expansion = knowledge.terminology.expansion(value_set)
        contains = expansion.contains

        def check(value: Any, _scope: Scope, _place: Element) -> bool:
            has_code = False
            for system, code in codings_of(value, type_code):
                if contains(system, code) is True:
                    return True
                has_code = True
            return is_weak and not has_code

        return check

    if type_code in _TEXTS:
        expansions = [knowledge.terminology.expansion(value_set) for value_set in value_sets]
        return [_compile_text(expansion, may_be_unsure=False) for expansion in expansions]
    return [compiled(value_set) for value_set in value_sets]


def _compile_text(expansion: Expansion, *, may_be_unsure: bool) -> Check:
    """The check of a bare code."""
    if expansion.is_closed:
        codes = expansion.all_codes()
        return lambda value, _scope, _place: value in codes
    if may_be_unsure:
        return lambda value, _scope, _place: expansion.contains_code(value) is not False
    return lambda value, _scope, _place: expansion.contains_code(value) is True


def _compile_one(value_set: str, type_code: str, knowledge: Knowledge) -> Check:
    expansion = knowledge.terminology.expansion(value_set)
    if type_code in _TEXTS:
        return _compile_text(expansion, may_be_unsure=True)

    def check(value: Any, _scope: Scope, _place: Element) -> bool:
        if type(value) is not dict:
            return False
        codings = list(codings_of(value, type_code))
        return any(expansion.contains(system, code) is not False for system, code in codings)

    return check


def codings_of(value: Mapping[str, Any], type_code: str) -> Iterator[tuple[str, str]]:
    """The system and code of each coding in a coded value; of a Quantity its unit's."""
    if type_code == "CodeableConcept":
        codings = value.get("coding")
        for coding in codings if isinstance(codings, list) else ():
            if isinstance(coding, dict) and isinstance(code := coding.get("code"), str):
                system = coding.get("system")
                yield (system if isinstance(system, str) else ""), code
        return
    if type_code == "Money":
        if isinstance(value.get("currency"), str):
            yield "urn:iso:std:iso:4217", value["currency"]
        return
    system, code = value.get("system"), value.get("code")
    if isinstance(code, str):
        yield (system if isinstance(system, str) else ""), code


def explain_binding(element: Element, item: Item, case: Inspection) -> None:
    """The detailed check of every binding, weaker ones as warnings."""
    binding = element.definition.get("binding")
    if not binding or (item.type_code not in _CODED and item.type_code not in _QUANTITIES):
        return
    if binding.get("valueSet"):
        case.report.bind(item.location, binding["valueSet"].partition("|")[0], element.profile)
    strength, required = _strength_of(binding), required_value_sets(element)
    if strength == "preferred" and not _codes(item):
        # Text alone is no fault; an outer bound is one for codes.
        return
    for value_set in required:
        _explain_one(value_set, "required", element, item, case)
    if strength in {"extensible", "preferred"} and binding.get("valueSet") and not required:
        _explain_one(binding["valueSet"], strength, element, item, case)


def _explain_one(
    value_set: str, strength: str, element: Element, item: Item, case: Inspection
) -> None:
    codes = _codes(item)
    severity = _SEVERITIES.get(strength, "information")
    parameters = {"value_set": value_set.partition("|")[0], "strength": strength}
    if not codes:
        case.report.add(
            "binding-no-code", "error" if strength == "required" else "warning",
            "code-invalid", item.location, element.profile, **parameters,
        )  # fmt: skip
        return
    checks = [case.knowledge.terminology.check(value_set, code, system) for system, code in codes]
    if any(check.answer for check in checks):
        return
    unknown = next((check for check in checks if check.answer is None), None)
    found = ", ".join(_shown(system, code) for system, code in codes)
    if unknown is not None:
        if strength != "preferred":
            case.report.warning(
                "binding-not-checked", "not-found", item.location, element.profile,
                found=found, reason=unknown.reason, **parameters,
            )  # fmt: skip
        return
    case.report.add(
        f"binding-{strength}", severity, "code-invalid", item.location, element.profile,
        found=found, **parameters,
    )  # fmt: skip


def _codes(item: Item) -> list[tuple[str | None, str]]:
    if isinstance(item.value, str):
        return [(None, item.value)]
    if isinstance(item.value, dict):
        return [(system, code) for system, code in codings_of(item.value, item.type_code)]
    return []


def _shown(system: str | None, code: str) -> str:
    return shown(f"{system}#{code}" if system else code)
