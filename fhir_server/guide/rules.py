"""The invariants of a profile, with their messages and the examples that break them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fhir_server.guide.source import Example
from fhir_server.guide.translation import Text, text_of
from fhir_server.model.issues import Language


@dataclass(frozen=True, slots=True)
class Rule:
    """An invariant: `elements` those that carry it, `broken_by` the names of examples."""

    key: str
    elements: Sequence[str]
    severity: str
    message: Text
    expression: str
    broken_by: Sequence[str]


def rules_of(
    structure: Mapping[str, Any], invalid: Iterable[Example], language: Language
) -> list[Rule]:
    """The rules that the differential of a profile states, in order."""
    breaking: dict[str, list[str]] = {}
    for example in invalid:
        for _, _, rule, _ in example.faults:
            breaking.setdefault(rule, []).append(example.name)
    stated: dict[str, tuple[Mapping[str, Any], list[str]]] = {}
    for element in structure["differential"]["element"]:
        for constraint in element.get("constraint", ()):
            stated.setdefault(constraint["key"], (constraint, []))[1].append(element["id"])
    return [
        Rule(
            key=key,
            elements=places,
            severity=constraint["severity"],
            message=text_of(constraint, "human", language),
            expression=constraint["expression"],
            broken_by=breaking.get(key, ()),
        )
        for key, (constraint, places) in stated.items()
    ]
