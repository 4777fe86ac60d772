"""A CodeSystem as an index: its codes, their displays, parents and properties.

Source: FHIR R4 CodeSystem, https://hl7.org/fhir/R4/codesystem.html
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from fhir_server.terminology.supplements import added_to_concepts, canonical_of, with_additions

Resource = dict[str, Any]

_WHOLE = frozenset({"complete"})
_INACTIVE = frozenset({"retired", "inactive"})


@dataclass(frozen=True)
class Concept:
    """One concept: `parents` are the codes directly above it, `properties` its values by property."""

    code: str
    display: str | None
    parents: tuple[str, ...]
    properties: Mapping[str, tuple[Any, ...]]
    designations: tuple[str, ...] = ()
    designations_by_language: Mapping[str, str] = field(default_factory=dict)


class CodeSystem:
    """The concepts of a CodeSystem resource, by code.

    Shape: `is_complete` says whether a code that is not here does not exist; a fragment or an example
    holds only some.
    """

    def __init__(self, resource: Resource, supplements: Iterable[Resource] = ()) -> None:
        self.url: str = resource["url"]
        self.version: str | None = resource.get("version")
        self.resource = resource
        self.is_complete = resource.get("content", "complete") in _WHOLE
        self.is_case_sensitive = resource.get("caseSensitive") is not False
        additions = list(supplements)
        self.supplements: tuple[str, ...] = tuple(canonical_of(each) for each in additions)
        """The canonicals of what is added to it: names and properties."""
        self._added = added_to_concepts(additions)
        self.concepts: dict[str, Concept] = {
            concept.code: concept
            for concept in _concepts(resource.get("concept", ()), (), self._added)
        }
        self.codes = frozenset(self.concepts)

    @cached_property
    def languages(self) -> frozenset[str]:
        """The languages in which its codes are named; English where it states none."""
        own = str(self.resource.get("language", "en"))
        tags = {own, *(t for c in self.concepts.values() for t in c.designations_by_language)}
        return frozenset(tag.lower().partition("-")[0] for tag in tags)

    @cached_property
    def folded(self) -> Mapping[str, str]:
        """The code of each lower-case spelling, for systems in which case does not count."""
        return {code.lower(): code for code in self.codes}

    def spelling(self, code: str) -> str | None:
        """The code as the system writes it, or None where it has no such code."""
        if code in self.codes:
            return code
        return None if self.is_case_sensitive else self.folded.get(code.lower())

    @cached_property
    def children(self) -> Mapping[str, tuple[str, ...]]:
        """The codes directly below each code."""
        below: dict[str, list[str]] = {}
        for concept in self.concepts.values():
            for parent in concept.parents:
                below.setdefault(parent, []).append(concept.code)
        return {code: tuple(codes) for code, codes in below.items()}

    @cached_property
    def parents(self) -> Mapping[str, tuple[str, ...]]:
        """The codes directly above each code."""
        return {concept.code: concept.parents for concept in self.concepts.values()}

    @cached_property
    def sources(self) -> Mapping[str, Resource]:
        """Each concept as the resource states it: definition, typed properties, designations."""
        found: dict[str, Resource] = {}
        waiting = list(self.resource.get("concept", ()))
        while waiting:
            item = waiting.pop()
            code = item.get("code", "")
            found[code] = with_additions(item, self._added.get(code))
            waiting.extend(item.get("concept", ()))
        return found

    def is_abstract(self, code: str) -> bool:
        """Whether a code only groups others and is not to be chosen."""
        return True in self.concepts[code].properties.get("notSelectable", ())

    def is_inactive(self, code: str) -> bool:
        """Whether a code is no longer, or not yet, for use.

        Source: FHIR R4 concept properties, https://hl7.org/fhir/R4/codesystem-concept-properties.html
        """
        properties = self.concepts[code].properties
        return True in properties.get("inactive", ()) or not _INACTIVE.isdisjoint(
            value for value in properties.get("status", ()) if isinstance(value, str)
        )

    def descendants(self, code: str) -> set[str]:
        """The codes below a code, at any depth, without itself."""
        return _closure(code, self.children)

    def circle(self) -> str | None:
        """A code that is above itself; None where the hierarchy is one."""
        return first_in_circle(self.parents)

    def ancestors(self, code: str) -> set[str]:
        """The codes above a code, at any height, without itself."""
        return _closure(code, self.parents)


def _closure(start: str, edges: Mapping[str, tuple[str, ...]]) -> set[str]:
    found: set[str] = set()
    waiting = list(edges.get(start, ()))
    while waiting:
        code = waiting.pop()
        if code not in found:
            found.add(code)
            waiting.extend(edges.get(code, ()))
    found.discard(start)
    return found


def first_in_circle(parents: Mapping[str, Sequence[str]]) -> str | None:
    """A code that is above itself. Source: A. B. Kahn 1962, topological sorting."""
    children: dict[str, list[str]] = {}
    open_parents = {code: sum(p in parents for p in above) for code, above in parents.items()}
    for code, above in parents.items():
        for parent in above:
            children.setdefault(parent, []).append(code)
    ready = [code for code, count in open_parents.items() if count == 0]
    while ready:
        for child in children.get(ready.pop(), ()):
            open_parents[child] -= 1
            if open_parents[child] == 0:
                ready.append(child)
    return next((code for code, count in open_parents.items() if count > 0), None)


def _concepts(
    items: Any, above: tuple[str, ...], added: Mapping[str, Resource]
) -> Iterator[Concept]:
    children_of: dict[str, list[str]] = {}
    found = list(_walk(items, above, children_of, added))
    for concept in found:
        extra = tuple(children_of.get(concept.code, ()))
        if extra:
            merged = tuple(dict.fromkeys((*concept.parents, *extra)))
            yield Concept(concept.code, concept.display, merged, concept.properties,
                          concept.designations, concept.designations_by_language)  # fmt: skip
        else:
            yield concept


def _walk(
    items: Any,
    above: tuple[str, ...],
    parents_by_child: dict[str, list[str]],
    added: Mapping[str, Resource],
) -> Iterator[Concept]:
    """The concepts in order; `child` properties are noted, since they name the hierarchy from above.

    Nesting is walked with a stack of our own: a CodeSystem may nest deeper than Python calls.
    """
    waiting = [(item, above) for item in reversed(list(items))]
    while waiting:
        item, parents = waiting.pop()
        code = item.get("code")
        if not isinstance(code, str):
            continue
        nested = item.get("concept", ())
        item = with_additions(item, added.get(code))
        properties: dict[str, list[Any]] = {}
        for entry in item.get("property", ()):
            value = next((v for k, v in entry.items() if k.startswith("value")), None)
            if isinstance(value, dict):
                value = value.get("code")
            properties.setdefault(entry.get("code", ""), []).append(value)
        for child in properties.get("child", ()):
            parents_by_child.setdefault(child, []).append(code)
        named = [p for p in properties.get("parent", ()) if isinstance(p, str)]
        designations = item.get("designation", ())
        yield Concept(
            code,
            item.get("display"),
            tuple(dict.fromkeys((*parents, *named))),
            {key: tuple(values) for key, values in properties.items()},
            tuple(d["value"] for d in designations if isinstance(d.get("value"), str)),
            {d["language"]: d["value"] for d in designations if "language" in d and "value" in d},
        )
        waiting.extend((child, (code,)) for child in reversed(nested))
