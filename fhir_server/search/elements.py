"""Index rows by one walk over a resource: all paths of its type as one tree of JSON keys.

At the end of a path stand the parameters that take the element found there. What they make of it depends
on the element alone, and the same codings, references, profiles and statuses come again and again: their
rows are kept, by value, and taken from there the next time.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from fhir_server.fhirpath.values import TypedValue
from fhir_server.search.parameters import SearchParameter
from fhir_server.search.paths import Having, Key, Path
from fhir_server.search.rows import IndexRows
from fhir_server.search.rows import TypedValue as AnyTypedValue

Extract = Callable[[SearchParameter, Sequence[AnyTypedValue], IndexRows, str | None], bool]
"""Adds the rows of values, the type they may refer to given; whether there were any."""

Use = tuple[SearchParameter, Extract, str | None]
"""A parameter that takes a value, and the one type it refers to."""

Visit = Callable[[Any, IndexRows], None]
"""Adds the rows of what stands under a JSON key, one value or a list."""

Take = Callable[[Any, IndexRows], None]
"""Adds the rows of one value."""

Fill = Callable[[dict[str, Any], IndexRows], None]
"""Adds rows of a resource."""

Part = tuple[tuple[int, ...], tuple[tuple[str, tuple[Any, ...]], ...]]
"""Rows that are kept: tokens, and rows of other kinds by the kind's name."""

MOST_KEPT = 256
"""How many values are kept at the end of a path; then all of them are forgotten. What comes again comes soon,
or is one of a few: eight times as many are found again two times in a hundred more often."""

LONGEST_KEPT = 256
"""Characters of a text that is kept, at most: longer ones seldom come twice."""

WRONG_SHAPE = (AttributeError, TypeError, KeyError)
"""What a walk raises on JSON that is no resource of its type."""

_MORE = ("dates", "numbers", "quantities", "strings", "references", "codes", "fragments")
_BY_VALUE = frozenset({
    "code", "uri", "url", "canonical", "oid", "uuid", "id", "string", "markdown", "boolean",
    "date", "dateTime", "instant",
})  # fmt: skip
"""Primitive types that are kept. Numbers are not: 1.0 and 1.00 are one key of a dict."""


@dataclass(slots=True)
class _Node:
    """What begins at a place: the keys below it, objects told apart by a member, parameters."""

    below: "dict[str, _Node]" = field(default_factory=dict)
    having: "dict[str, dict[str, _Node]]" = field(default_factory=dict)
    uses: list[Use] = field(default_factory=list)
    type: str = ""


def element_tree(paths: Iterable[tuple[Path, Use]]) -> Fill:
    """The tree of paths from a resource. Errors: WRONG_SHAPE on JSON that is no resource of the type."""
    root = _Node()
    for path, use in paths:
        node = root
        for step in path.steps:
            match step:
                case Key(name):
                    node = node.below.setdefault(name, _Node())
                case Having(name, value):
                    node = node.having.setdefault(name, {}).setdefault(value, _Node())
        node.type = path.type
        node.uses.append(use)
    return _take_members({key: _visit(node) for key, node in root.below.items()})


def _take_members(visits: Mapping[str, Visit]) -> Take:
    def take(value: dict[str, Any], rows: IndexRows) -> None:
        for key, member in value.items():
            visit = visits.get(key)
            if visit is not None:
                visit(member, rows)

    return take


def _visit(node: _Node) -> Visit:
    takes = list(_takes(node))
    if len(takes) == 1:
        return _each(takes[0])

    def take(value: Any, rows: IndexRows) -> None:
        for one in takes:
            one(value, rows)

    return _each(take)


def _each(take: Take) -> Visit:
    def visit(value: Any, rows: IndexRows) -> None:
        if type(value) is list:
            for item in value:
                if item is not None:
                    take(item, rows)
        elif value is not None:
            take(value, rows)

    return visit


def _takes(node: _Node) -> Iterator[Take]:
    """What is done with a value at a node."""
    if node.uses:
        yield _take(node.type, node.uses)
    if node.below:
        yield _take_members({key: _visit(one) for key, one in node.below.items()})
    for name, nodes in node.having.items():
        yield _take_having(name, {value: _visit(one) for value, one in nodes.items()})


def _take_having(name: str, visits: Mapping[str, Visit]) -> Take:
    def take(value: Any, rows: IndexRows) -> None:
        visit = visits.get(value.get(name))
        if visit is not None:
            visit(value, rows)

    return take


def _take(kind: str, uses: Sequence[Use]) -> Take:
    kept = _Kept(kind, uses)
    match kind:
        case "CodeableConcept":
            return kept.take_concept
        case "Coding":
            return kept.take_coding
        case "Reference":
            return kept.take_reference
    return kept.take_value if kind in _BY_VALUE else kept.take_other


class _Kept:
    """The end of paths: the parameters that take a type of value there, and the rows of values seen."""

    def __init__(self, kind: str, uses: Sequence[Use]) -> None:
        self._type = kind
        self._uses = tuple(uses)
        self._parts: dict[Any, Part] = {}

    def take_concept(self, concept: dict[str, Any], rows: IndexRows) -> None:
        """The rows of a CodeableConcept are those of each coding and of its text."""
        parts = self._parts
        for coding in concept.get("coding", ()):
            key = (coding.get("system"), coding.get("code"), coding.get("display"))
            part = parts.get(key)
            _add(rows, self._new(key, {"coding": [coding]}) if part is None else part)
        text = concept.get("text")
        if text is not None:
            part = parts.get(text)
            _add(rows, self._new(text, {"text": text}) if part is None else part)

    def take_coding(self, coding: dict[str, Any], rows: IndexRows) -> None:
        """By what parameters look at."""
        key = (coding.get("system"), coding.get("code"), coding.get("display"))
        part = self._parts.get(key)
        _add(rows, self._new(key, coding) if part is None else part)

    def take_reference(self, reference: dict[str, Any], rows: IndexRows) -> None:
        """By literal and type; one with an identifier is not kept."""
        if "identifier" in reference:
            self.take_other(reference, rows)
            return
        key = (reference.get("reference"), reference.get("type"))
        part = self._parts.get(key)
        _add(rows, self._new(key, reference) if part is None else part)

    def take_value(self, value: Any, rows: IndexRows) -> None:
        """A primitive."""
        part = self._parts.get(value)
        _add(rows, self._new(value, value) if part is None else part)

    def take_other(self, value: Any, rows: IndexRows) -> None:
        """What seldom comes twice."""
        item = (TypedValue(self._type, value),)
        for parameter, extract, target in self._uses:
            if extract(parameter, item, rows, target):
                rows.tokens.append(parameter.hash)

    def _new(self, key: Any, value: Any) -> Part:
        rows = IndexRows()
        self.take_other(value, rows)
        more = [(name, tuple(found)) for name in _MORE if (found := getattr(rows, name))]
        part = tuple(rows.tokens), tuple(more)
        if len(self._parts) >= MOST_KEPT:
            self._parts.clear()
        if not _is_long(key):
            self._parts[key] = part
        return part


def _is_long(key: Any) -> bool:
    members = key if type(key) is tuple else (key,)
    return any(type(one) is str and len(one) > LONGEST_KEPT for one in members)


def _add(rows: IndexRows, part: Part) -> None:
    tokens, more = part
    rows.tokens += tokens
    for name, found in more:
        getattr(rows, name).extend(found)
