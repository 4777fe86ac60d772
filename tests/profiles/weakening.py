"""Every constraint of the package, each with the structure as it would be without it.

A constraint is what a differential adds to its base: a minimum, a maximum, a fixed value or pattern, a
binding, a choice of types or targets, an invariant. What only repeats the base is none, nor is what makes
a slice: another value there makes another slice, not a broken one.
"""

import re
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from fhir_server.definitions.packages import network_definitions
from fhir_server.validation.snapshot import completed
from tests.profiles.network import Resource, elements

_VALUE = re.compile("^(fixed|pattern)[A-Z]")
ISSUES = {
    "min": ("cardinality-min", "slice-min"),
    "max": ("cardinality-max", "cardinality-forbidden", "slice-max"),
    "value": ("pattern-value", "fixed-value"),
    "binding": ("binding-required", "binding-extensible"),
    "type": ("choice-type", "reference-type", "reference-profile"),
}
"""The issues by which a broken constraint shows, by its kind; those of invariants go by their key."""


@dataclass(frozen=True, slots=True)
class Constraint:
    """One constraint: `weaker` is its structure without it; `rule` the key of an invariant."""

    profile: str
    element: str
    kind: str
    weaker: Resource = field(repr=False)
    rule: str = ""

    @property
    def name(self) -> str:
        """By what a person finds it."""
        return f"{self.element} {self.rule or self.kind}"

    def is_told_by(self, issue_id: str, rule: str) -> bool:
        """Whether an issue can be the one that a breach of it gives."""
        if self.rule:
            return rule == self.rule
        return issue_id in ISSUES[self.kind]


def stated_constraints(structure: Resource) -> Iterator[Constraint]:
    """The constraints of one differential."""
    whole = _snapshot(structure)
    marks = set(_slice_marks(whole))
    for number, element in enumerate(elements(structure)):
        for kind, name, rule in _statements(element):
            if kind != "max" and element["id"] in marks:
                continue
            weaker = deepcopy(structure)
            _remove(weaker["differential"]["element"], number, name, rule)
            if rule or _snapshot(weaker) != whole:
                yield Constraint(structure["url"], element["id"], kind, weaker, rule)


def _statements(element: Resource) -> Iterator[tuple[str, str, str]]:
    """Kind, name of the part and key of the invariant, for each thing that an element says."""
    for name in element:
        if name in {"min", "max"}:
            yield name, name, ""
        elif _VALUE.match(name):
            yield "value", name, ""
        elif name == "binding" and element["binding"]["strength"] in {"required", "extensible"}:
            yield "binding", name, ""
        elif name == "type" and not any("profile" in each for each in element["type"]):
            yield "type", name, ""
    for constraint in element.get("constraint", ()):
        yield "invariant", "constraint", constraint["key"]


def _remove(differential: list[Resource], number: int, name: str, rule: str) -> None:
    """Without its choice of types an element has no elements of its own, so these go with it."""
    element = differential[number]
    if rule:
        element["constraint"] = [each for each in element["constraint"] if each["key"] != rule]
        return
    del element[name]
    if name == "type":
        below = f"{element['id']}."
        differential[:] = [each for each in differential if not each["id"].startswith(below)]


def _slice_marks(snapshot: list[Resource]) -> Iterator[str]:
    """The elements by which slices are told apart, and all that a pattern holds below them."""
    by_path: dict[str, list[str]] = {}
    for element in snapshot:
        by_path.setdefault(element["path"], []).append(element["id"])
    for element in snapshot:
        for discriminator in element.get("slicing", {}).get("discriminator", ()):
            for identity in by_path.get(f"{element['path']}.{discriminator['path']}", ()):
                if identity.startswith(f"{element['id']}:"):
                    yield identity
    yield "Extension.url"


def _snapshot(structure: Resource) -> list[Resource]:
    bare: dict[str, Any] = {name: each for name, each in structure.items() if name != "snapshot"}
    found: list[Resource] = completed(bare, network_definitions())["snapshot"]["element"]
    return found
