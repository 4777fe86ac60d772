"""The codes of a value set as a list: in the order of their systems, with displays, flat or nested."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from fhir_server.terminology.code_system import CodeSystem, Concept
from fhir_server.terminology.display import display_in, searchable
from fhir_server.terminology.expansion import Expansion
from fhir_server.terminology.terminology import MAX_DEPTH, Terminology

Resource = dict[str, Any]
MAX_NESTING = 50
"""Deepest nesting of an expansion."""


class Row(NamedTuple):
    """One code of a list; `stated` is what the value set itself says of it, `known` its code system."""

    system: str
    code: str
    concept: Concept | None
    known: CodeSystem | None
    stated: Resource | None

    @property
    def is_abstract(self) -> bool:
        """Whether the code only groups others."""
        return self.known is not None and self.concept is not None and (
            self.known.is_abstract(self.concept.code)
        )  # fmt: skip

    @property
    def is_inactive(self) -> bool:
        """Whether the code is not for use now."""
        return self.known is not None and self.concept is not None and (
            self.known.is_inactive(self.concept.code)
        )  # fmt: skip

    def display(self, language: str | None) -> str | None:
        """The display in a language; what the value set states goes before what the system says."""
        if self.stated is not None:
            for designation in self.stated.get("designation", ()):
                if language and designation.get("language") == language:
                    return str(designation["value"])
            if "display" in self.stated and not (language and self.concept):
                return str(self.stated["display"])
        if self.concept is not None:
            return display_in(self.concept, language)
        return None

    def designations(self) -> list[Resource]:
        """The other names of the code, of the value set and of the system, each once."""
        stated = list(self.stated.get("designation", ())) if self.stated else []
        if self.known is not None and self.concept is not None:
            of_system = self.known.sources[self.concept.code].get("designation", ())
            stated += [each for each in of_system if each not in stated]
        return stated

    def matches(self, words: Iterable[str]) -> bool:
        """Whether each word stands in the code or in one of its names."""
        names = [self.code, self.display(None) or ""]
        if self.concept is not None:
            names += self.concept.designations
        if self.stated is not None:
            names += [str(each.get("value", "")) for each in self.stated.get("designation", ())]
        text = searchable("\n".join(names))
        return all(word in text for word in words)


class Listing:
    """The rows of an expansion. Cost: linear in the codes of the systems it draws on."""

    def __init__(self, terminology: Terminology, value_set: Resource, expansion: Expansion) -> None:
        self._terminology = terminology
        self.versions: dict[str, str] = {}
        self._stated: dict[str, dict[str, Resource]] = {}
        self._imported: set[str] = set()
        self._read(value_set, 0)
        self._expansion = expansion

    def index(self, system: str) -> CodeSystem | None:
        """The code system of a row, in the version that the value set asks for."""
        version = self.versions.get(system)
        found = self._terminology.code_system(f"{system}|{version}") if version else None
        return found or self._terminology.code_system(system)

    def displays(self, system: str, code: str) -> tuple[str, ...]:
        """The names that the value set itself states for a code; empty where it states none."""
        stated = self._stated.get(system, {}).get(code, {})
        named = (each.get("value") for each in stated.get("designation", ()))
        return tuple(name for name in (stated.get("display"), *named) if isinstance(name, str))

    def rows(self) -> Iterator[Row]:
        """Every row: what the value set states in its order, then the others in that of the system."""
        for system, held in self._expansion.codes.items():
            index = self.index(system)
            stated = self._stated.get(system, {})
            for code in stated:
                if code in held:
                    yield _row(system, code, index, stated)
            if index is None:
                yield from (
                    _row(system, code, None, stated) for code in sorted(held - stated.keys())
                )
                continue
            for code, concept in index.concepts.items():
                if code in held and code not in stated:
                    yield Row(system, code, concept, index, None)
            for code in sorted(held - index.codes - stated.keys()):
                yield _row(system, code, index, stated)

    def _read(self, value_set: Resource, depth: int) -> None:
        """Note what the value set and those it imports state: displays, designations, versions."""
        if depth > MAX_DEPTH:
            return
        compose = value_set.get("compose") or {}
        for include in compose.get("include", ()):
            system = include.get("system")
            if system is not None:
                if include.get("version"):
                    self.versions.setdefault(system, include["version"])
                for concept in include.get("concept", ()):
                    self._stated.setdefault(system, {}).setdefault(concept.get("code", ""), concept)
            for canonical in include.get("valueSet", ()):
                known = self._terminology.value_set(canonical)
                if known is not None and canonical not in self._imported:
                    self._imported.add(canonical)
                    self._read(known, depth + 1)
        if not compose.get("include"):
            self._read_expansion(value_set.get("expansion", {}))

    def _read_expansion(self, expansion: Resource) -> None:
        waiting = list(expansion.get("contains", ()))[::-1]
        while waiting:
            item = waiting.pop()
            if "code" in item:
                system = item.get("system", "")
                self._stated.setdefault(system, {}).setdefault(item["code"], item)
            waiting.extend(item.get("contains", ())[::-1])


def _row(system: str, code: str, index: CodeSystem | None, stated: Mapping[str, Resource]) -> Row:
    spelling = index.spelling(code) if index is not None else None
    concept = index.concepts[spelling] if index is not None and spelling is not None else None
    return Row(system, code, concept, index, stated.get(code))


Key = tuple[str, str]


def nested(rows: Iterable[Row], entries: Mapping[Key, Resource]) -> list[Resource]:
    """The entries as a forest: each below its first parent that is held, else at the top.

    A code with several parents stands once; a hierarchy that runs in a circle loses no code; one that is
    deeper than MAX_NESTING stays flat, since JSON readers bound how deep they follow.
    """
    parent = dict(_links(rows, entries))
    if max(_depths(parent).values(), default=0) > MAX_NESTING:
        return list(entries.values())
    roots: list[Resource] = []
    for key, entry in entries.items():
        if key in parent:
            entries[parent[key]].setdefault("contains", []).append(entry)
        else:
            roots.append(entry)
    return roots


def _links(rows: Iterable[Row], entries: Mapping[Key, Resource]) -> Iterator[tuple[Key, Key]]:
    for row in rows:
        for code in row.concept.parents if row.concept is not None else ():
            if (row.system, code) in entries:
                yield (row.system, row.code), (row.system, code)
                break


def _depths(parent: dict[Key, Key]) -> dict[Key, int]:
    """How deep each key stands; a link that closes a circle is cut."""
    depth: dict[Key, int] = {}
    for start in list(parent):
        path: dict[Key, None] = {}
        at = start
        while at in parent and at not in depth:
            if at in path:
                del parent[at]
                break
            path[at] = None
            at = parent[at]
        below = depth.get(at, 0)
        for key in reversed(path):
            below = below + 1 if key in parent else 0
            depth[key] = below
    return depth
