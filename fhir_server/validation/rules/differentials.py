"""A differential beside the base it constrains: what is narrowed must not become wider.

Source: FHIR R4 §5.1.0.4 and §5.1.0.9, https://hl7.org/fhir/R4/profiling.html#cardinality
"""

from collections.abc import Iterator, Mapping
from typing import Any

from fhir_server.validation.element import Element
from fhir_server.validation.knowledge import Knowledge
from fhir_server.validation.rules.discriminators import UnreadablePathError, parse_path
from fhir_server.validation.rules.fixed import equals
from fhir_server.validation.snapshot import SnapshotError, author_faults, url_of

Resource = dict[str, Any]
Conflict = tuple[str, str, dict[str, Any]]
"""Issue id, the part of the element it is about, parameters."""


def fault_of_snapshot(resource: Resource, knowledge: Knowledge) -> SnapshotError | None:
    """Why no snapshot can be made of a StructureDefinition; None where one can."""
    try:
        with author_faults(url_of(resource)):
            knowledge.plans.snapshots.generate(resource)
    except SnapshotError as fault:
        return fault
    return None


class Differential:
    """The base of a StructureDefinition, for the elements that the differential names."""

    def __init__(self, resource: Resource, knowledge: Knowledge) -> None:
        self._knowledge = knowledge
        base = resource.get("baseDefinition")
        is_constraint = resource.get("derivation") == "constraint"
        self._base = knowledge.plans.plan(base) if isinstance(base, str) and is_constraint else None

    def conflicts(self, element: Mapping[str, Any]) -> Iterator[Conflict]:
        """Where an element asks less than its base does."""
        path = element.get("path")
        if self._base is None or not isinstance(path, str) or path == self._base.path:
            return
        base = self._at(path)
        if base is None:
            return
        yield from self._cardinality(element, base)
        allowed = {ref.code for ref in base.types}
        for index, entry in enumerate(element.get("type") or ()):
            code = entry.get("code") if isinstance(entry, dict) else None
            if isinstance(code, str) and allowed and not self._is_allowed(code, allowed):
                yield "type-not-in-base", f".type[{index}]", {
                    "type": code, "expected": ", ".join(sorted(allowed)),
                }  # fmt: skip
        if base.fixed is not None:
            for key, value in element.items():
                if key.startswith("fixed") and not equals(value, base.fixed[1]):
                    yield "fixed-not-as-base", ".fixed", {
                        "found": str(value), "expected": str(base.fixed[1]),
                    }  # fmt: skip

    @staticmethod
    def _cardinality(element: Mapping[str, Any], base: Element) -> Iterator[Conflict]:
        minimum, maximum = element.get("min"), element.get("max")
        is_slice = "sliceName" in element
        if isinstance(minimum, int) and minimum < base.minimum and not is_slice:
            yield "minimum-below-base", ".min", {"found": minimum, "expected": base.minimum}
        if isinstance(maximum, str) and base.maximum is not None:
            upper = None if maximum == "*" else int(maximum) if maximum.isdigit() else base.maximum
            if upper is None or upper > base.maximum:
                yield "maximum-above-base", ".max", {"found": maximum, "expected": base.maximum}

    def _is_allowed(self, code: str, allowed: set[str]) -> bool:
        if code.startswith("http://hl7.org/fhirpath/"):
            return True
        return any(
            # The type model knows a backbone element by its path.
            code in {"BackboneElement", "Element"}
            if "." in one
            else code == one or self._knowledge.types.is_subtype(code, one)
            for one in allowed
        )

    def _at(self, path: str) -> Element | None:
        """The element of the base at a path; None where it lies beyond what the base spells out."""
        found = self._base
        for step in path.split(".")[1:]:
            found = self._step(found, step)
            if found is None:
                return None
        return found

    def _step(self, element: Element | None, name: str) -> Element | None:
        if element is None:
            return None
        for content in self._contents(element):
            for child in content.children:
                if child.name == name.removesuffix("[x]") or name in child.json_names:
                    return child
        return None

    def _contents(self, element: Element) -> Iterator[Element]:
        if "." not in element.path:
            yield element
            return
        for ref in element.types:
            content = self._knowledge.plans.content(element, ref.code)
            if content is not None:
                yield content

    def leads_somewhere(self, element: Mapping[str, Any], discriminator: Mapping[str, Any]) -> bool:
        """Whether the path of a discriminator names elements that there are, as far as can be told."""
        path = element.get("path")
        base = self._at(path) if isinstance(path, str) and self._base is not None else None
        if base is None:
            return True
        try:
            steps = parse_path(str(discriminator.get("path", "$this")))
        except UnreadablePathError:
            return False
        found: Element | None = base
        for kind, name in steps:
            if kind != "child":
                return True
            if found is not None and any("." not in r.code and r.code[:1].isupper()
                                         and self._knowledge.types.is_resource(r.code)
                                         for r in found.types):  # fmt: skip
                return True
            found = self._step(found, name)
            if found is None:
                return False
        return True
