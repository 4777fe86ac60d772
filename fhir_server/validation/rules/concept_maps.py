"""ConceptMaps: their codes are codes of the systems they map between.

Source: FHIR R4 ConceptMap, https://hl7.org/fhir/R4/conceptmap.html
"""

from collections.abc import Iterator
from typing import Any

from fhir_server.validation.inspection import Inspection
from fhir_server.validation.rules.value_sets import explain_listed_code

Resource = dict[str, Any]


def explain_concept_map(resource: Resource, location: str, case: Inspection) -> None:
    """The detailed check of a ConceptMap."""
    for number, group in enumerate(resource.get("group") or ()):
        if not isinstance(group, dict):
            continue
        place = f"{location}.group[{number}]"
        source, target = _canonical(group, "source"), _canonical(group, "target")
        for element, at in _within(group, "element", place):
            _explain(source, element, at, case)
            for mapped, below in _within(element, "target", at):
                _explain(target, mapped, below, case)


def _canonical(group: Resource, side: str) -> str | None:
    system, version = group.get(side), group.get(f"{side}Version")
    if not isinstance(system, str):
        return None
    return f"{system}|{version}" if isinstance(version, str) else system


def _within(holder: Resource, name: str, place: str) -> Iterator[tuple[Resource, str]]:
    for index, one in enumerate(holder.get(name) or ()):
        if isinstance(one, dict):
            yield one, f"{place}.{name}[{index}]"


def _explain(canonical: str | None, concept: Resource, place: str, case: Inspection) -> None:
    if canonical is not None and isinstance(concept.get("code"), str):
        # Maps may keep codes that an edition no longer has; HL7's own do.
        explain_listed_code(canonical, concept, place, "warning", case)
