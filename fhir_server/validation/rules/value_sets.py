"""ValueSets: what they include there is, as far as it is loaded, and no set includes itself.

Source: FHIR R4 ValueSet.compose, https://hl7.org/fhir/R4/valueset.html#compositions
"""

import re
from collections.abc import Iterator
from typing import Any

from fhir_server.model.issues import Severity
from fhir_server.validation.inspection import Inspection
from fhir_server.validation.report import shown
from fhir_server.validation.rules.codings import display_fault

Resource = dict[str, Any]

_ABSOLUTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:\S+")
_DEFINED = frozenset(
    {"concept", "code", "display", "parent", "child", "status", "inactive", "notSelectable"}
)
"""Filters need no declared property for these (§4.9.9)."""


def explain_value_set(resource: Resource, location: str, case: Inspection) -> None:
    """The detailed check of a ValueSet."""
    url = resource.get("url")
    for part, place in _parts(resource, location):
        for index, canonical in enumerate(part.get("valueSet") or ()):
            if isinstance(canonical, str) and canonical.partition("|")[0] == url:
                case.report.error("value-set-imports-itself", "business-rule",
                                  f"{place}.valueSet[{index}]", url=shown(url))  # fmt: skip
        system = part.get("system")
        if isinstance(system, str):
            _explain_system(part, system, place, case)


def _parts(resource: Resource, location: str) -> Iterator[tuple[Resource, str]]:
    compose = resource.get("compose")
    for name in ("include", "exclude"):
        for index, part in enumerate(
            (compose.get(name) or ()) if isinstance(compose, dict) else ()
        ):
            if isinstance(part, dict):
                yield part, f"{location}.compose.{name}[{index}]"


def _explain_system(part: Resource, system: str, place: str, case: Inspection) -> None:
    definitions = case.knowledge.definitions
    if system.startswith("#"):
        return
    if not _ABSOLUTE.match(system):
        case.report.error(
            "coding-system-relative", "invalid", f"{place}.system", system=shown(system)
        )
        return
    if definitions.code_system(system) is None and definitions.value_set(system) is not None:
        case.report.error(
            "coding-system-is-value-set", "invalid", f"{place}.system", system=shown(system)
        )
        return
    version = part.get("version")
    canonical = f"{system}|{version}" if isinstance(version, str) else system
    for index, concept in enumerate(part.get("concept") or ()):
        if isinstance(concept, dict) and isinstance(concept.get("code"), str):
            explain_listed_code(canonical, concept, f"{place}.concept[{index}]", "error", case)
    _explain_filters(part, canonical, place, case)


def explain_listed_code(
    canonical: str, concept: Resource, place: str, severity: Severity, case: Inspection
) -> None:
    """Whether the code system has a code that a definition lists, under the display it gives."""
    system, code = canonical.partition("|")[0], concept["code"]
    known = case.knowledge.terminology.knows_code(canonical, code)
    if known is False:
        case.report.add("coding-unknown-code", severity, "code-invalid", f"{place}.code", None,
                        system=system, code=shown(code))  # fmt: skip
    expected = display_fault(concept, canonical, case.knowledge) if known else None
    if expected is not None:
        case.report.warning("coding-display", "invalid", f"{place}.display", None,
                            display=shown(concept["display"]), expected=shown(expected),
                            code=shown(code), system=system)  # fmt: skip


def _explain_filters(part: Resource, canonical: str, place: str, case: Inspection) -> None:
    structure = case.knowledge.definitions.code_system(canonical)
    if structure is None:
        return
    declared = {
        one.get("code")
        for name in ("property", "filter")
        for one in structure.get(name) or ()
        if isinstance(one, dict)
    }
    for index, one in enumerate(part.get("filter") or ()):
        name = one.get("property") if isinstance(one, dict) else None
        if isinstance(name, str) and name not in declared | _DEFINED:
            case.report.warning("value-set-filter", "not-found", f"{place}.filter[{index}].property",
                                None, property=shown(name), system=canonical)  # fmt: skip
