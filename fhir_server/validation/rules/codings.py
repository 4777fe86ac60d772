"""Codings by themselves: the system is an absolute URI and has the code, and the display is one of its own.

Source: FHIR R4 Coding, https://hl7.org/fhir/R4/datatypes.html#Coding
"""

import re
from typing import Any

from fhir_server.model.issues import Severity
from fhir_server.validation.check import Check
from fhir_server.validation.element import Element
from fhir_server.validation.inspection import Inspection
from fhir_server.validation.items import Item
from fhir_server.validation.knowledge import Knowledge
from fhir_server.validation.report import shown
from fhir_server.validation.scope import Scope

_ABSOLUTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:\S+")


def compile_coding(knowledge: Knowledge, *, silent: bool = False) -> Check:
    """The fast check of a Coding; where `silent`, its code must be known, and its display."""
    terminology = knowledge.terminology
    is_strict = knowledge.strictness.displays == "error"

    def silent_check(value: Any, scope: Scope, place: Element) -> bool:
        system, code = value.get("system"), value.get("code")
        if system is None or code is None:
            return code is None and check(value, scope, place)
        if type(system) is not str or type(code) is not str or not _ABSOLUTE.match(system):
            return False
        canonical = canonical_of(value)
        return (
            terminology.knows_code(canonical, code) is True
            and not _names_value_set(system, knowledge)
            and display_fault(value, canonical, knowledge) is None
        )

    def check(value: Any, _scope: Scope, _place: Element) -> bool:
        system = value.get("system")
        if system is None:
            return True
        if type(system) is not str or _ABSOLUTE.match(system) is None:
            return False
        code = value.get("code")
        return (
            code is None
            or (
                type(code) is str and terminology.knows_code(canonical_of(value), code) is not False
            )
        ) and not (
            _names_value_set(system, knowledge)
            or (is_strict and code is not None and "display" in value
                and terminology.is_whole(canonical_of(value))
                and display_fault(value, canonical_of(value), knowledge) is not None)
        )  # fmt: skip

    return silent_check if silent else check


def canonical_of(coding: dict[str, Any]) -> str:
    """The code system of a Coding, in the edition it names: one edition may have what another has not."""
    system, version = coding["system"], coding.get("version")
    return f"{system}|{version}" if isinstance(version, str) and version else str(system)


def _names_value_set(system: str, knowledge: Knowledge) -> bool:
    return (
        "/ValueSet/" in system
        and knowledge.definitions.code_system(system) is None
        and knowledge.definitions.value_set(system) is not None
    )


def explain_coding(element: Element, item: Item, case: Inspection) -> None:
    """The detailed check of a Coding."""
    if not isinstance(item.value, dict):
        return
    system, code = item.value.get("system"), item.value.get("code")
    if not isinstance(system, str):
        if isinstance(code, str):
            case.report.warning(
                "coding-no-system", "invalid", item.location, element.profile, code=shown(code)
            )
        return
    if not _ABSOLUTE.match(system):
        case.report.error(
            "coding-system-relative", "invalid", f"{item.location}.system", element.profile,
            system=shown(system),
        )  # fmt: skip
        return
    if _names_value_set(system, case.knowledge):
        case.report.error(
            "coding-system-is-value-set", "invalid", f"{item.location}.system", element.profile,
            system=shown(system),
        )  # fmt: skip
        return
    if not isinstance(code, str):
        return
    canonical = canonical_of(item.value)
    known = case.knowledge.terminology.knows_code(canonical, code)
    if known is False:
        case.report.error(
            "coding-unknown-code", "code-invalid", f"{item.location}.code", element.profile,
            system=system, code=shown(code),
        )  # fmt: skip
    elif known is None:
        case.report.warning(
            "coding-not-checked", "not-found", f"{item.location}.system", element.profile,
            system=system, code=shown(code),
        )  # fmt: skip
    elif (expected := display_fault(item.value, canonical, case.knowledge)) is not None:
        case.report.add(
            "coding-display", _severity(canonical, case), "invalid", f"{item.location}.display",
            element.profile,
            display=shown(item.value["display"]), expected=shown(expected), code=shown(code),
            system=system,
        )  # fmt: skip


def _severity(canonical: str, case: Inspection) -> Severity:
    """That of a wrong display: a warning where it may be a name or a translation that is not at hand."""
    if not case.knowledge.terminology.is_whole(canonical):
        return "warning"
    language = case.scope.resource.get("language")
    if isinstance(language, str) and not case.knowledge.terminology.speaks(canonical, language):
        return "warning"
    return case.knowledge.strictness.displays


def display_fault(coding: dict[str, Any], canonical: str, knowledge: Knowledge) -> str | None:
    """The display to write, where a Coding or concept gives one that its code system does not have."""
    display = coding.get("display")
    if not isinstance(display, str):
        return None
    known = knowledge.terminology.displays(canonical, coding["code"])
    if not known or display in known:
        return None
    return None if _folded(display) in {_folded(text) for text in known} else known[0]


def _folded(text: str) -> str:
    return " ".join(text.split()).casefold()
