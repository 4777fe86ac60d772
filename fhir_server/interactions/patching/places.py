"""Places: where in a resource the elements stand that a FHIRPath leads to, so that they can be changed.

The FHIRPath engine answers with values; a patch needs the object and the key that hold them. Names,
indexes, `where`, `first`, `last`, `single`, `ofType`, `as` and `extension` are followed here; any other
expression is given to the engine, and the objects among its results are found again by identity.

Source: FHIR R4 https://hl7.org/fhir/R4/fhirpatch.html
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from fhir_server.definitions import TypeModel
from fhir_server.fhirpath import FHIRPath, FHIRPathError
from fhir_server.fhirpath.parser import parse
from fhir_server.fhirpath.syntax import (
    Call,
    Constant,
    External,
    Index,
    LoopVariable,
    Member,
    Node,
    TypeOperation,
    children,
    to_source,
)
from fhir_server.model.issues import error

_ROOTS = frozenset({"resource", "context", "rootResource"})
_MULTIPLYING = frozenset({"aggregate", "repeat", "replace", "replaceMatches", "select"})
_DIV = re.compile(r"'(?:[^'\\]|\\.)*'|`[^`]*`|(?<=\.)div\b")

Pair = tuple[Any, dict[str, Any] | None]
"""The value of an element and, of a primitive, what stands beside it under `_name`."""


@dataclass(frozen=True, slots=True)
class Place:
    """One element: `owner[key]`, or of a list `owner[key][at]`; the root has no owner."""

    owner: dict[str, Any] | None
    key: str
    at: int | None
    type: str
    value: Any
    sibling: dict[str, Any] | None = None
    choice: str = ""
    """The name of the element without its type, where it is a choice (`value` of `valueQuantity`)."""

    @property
    def members(self) -> dict[str, Any]:
        """Its elements: of a primitive those beside its value."""
        if isinstance(self.value, dict):
            return self.value
        return self.sibling or {}


def pairs_of(owner: dict[str, Any], key: str) -> list[Pair]:
    """The values of an element with what stands beside them, one pair for each."""
    value, beside = owner.get(key), owner.get("_" + key)
    values = value if isinstance(value, list) else [] if value is None else [value]
    siblings = beside if isinstance(beside, list) else [] if beside is None else [beside]
    length = max(len(values), len(siblings))
    return [
        (values[at] if at < len(values) else None, siblings[at] if at < len(siblings) else None)
        for at in range(length)
    ]


def put_pairs(owner: dict[str, Any], key: str, pairs: list[Pair], *, is_list: bool) -> None:
    """Replace the values of an element; without any, the element is gone."""
    values, siblings = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    for name, column in ((key, values), ("_" + key, siblings)):
        if all(member is None for member in column):
            owner.pop(name, None)
        else:
            owner[name] = column if is_list else column[0]


class Places:
    """Follows paths into one resource. Errors of its methods: FHIRPathError for a path that is none."""

    def __init__(self, resource: dict[str, Any], types: TypeModel, engine: FHIRPath) -> None:
        self._types = types
        self._engine = engine
        self._root = Place(None, "", None, str(resource["resourceType"]), resource)

    def find(self, path: str) -> list[Place]:
        """The elements of a path."""
        return self._places(_parsed(path))

    def find_list(self, path: str) -> list[tuple[Place, str]]:
        """The objects that have, or may have, the list that a path names, with the list's name."""
        node = _parsed(path)
        if not isinstance(node, Member):
            return []
        owners = [self._root] if node.target is None else self._places(node.target)
        return [
            (owner, node.name)
            for owner in owners
            if self._types.element(owner.type, node.name) is not None
        ]

    def _places(self, node: Node) -> list[Place]:
        match node:
            case LoopVariable("$this") | External("resource" | "context" | "rootResource"):
                return [self._root]
            case Member(target=None, name=name) if self._types.is_subtype(self._root.type, name):
                return [self._root]
            case Member(target=target, name=name):
                owners = [self._root] if target is None else self._places(target)
                return [place for owner in owners for place in self._children(owner, name)]
            case Index(target=target, index=Constant(kind="integer", value=int(at))):
                return self._places(target)[at : at + 1]
            case TypeOperation(operator="as", operand=operand, type_name=name):
                return self._of_type(self._places(operand), name)
            case Call(target=Node() as target):
                return self._call(node, target)
            case _:
                return self._by_identity(node)

    def _call(self, call: Call, target: Node) -> list[Place]:
        match call.name, call.arguments:
            case "where", (criteria,):
                found = self._places(target)
                return [place for place in found if self._holds(place, to_source(criteria))]
            case (("first" | "single"), ()):
                return self._places(target)[:1] if call.name == "first" else self._places(target)
            case "last", ():
                return self._places(target)[-1:]
            case (("ofType" | "as"), (Member(target=None, name=name),)):
                return self._of_type(self._places(target), name)
            case "extension", (Constant(kind="string", value=url),):
                found = [
                    p for owner in self._places(target) for p in self._children(owner, "extension")
                ]
                return [place for place in found if place.value.get("url") == url]
            case _:
                return self._by_identity(call)

    def _holds(self, place: Place, criteria: str) -> bool:
        compiled = self._engine.compile(criteria, place.type)
        root = self._root.value
        return compiled.test(place.value, sibling=place.sibling, resource=root) is True

    def _of_type(self, places: list[Place], name: str) -> list[Place]:
        return [place for place in places if self._types.is_subtype(place.type, name)]

    def _children(self, place: Place, name: str) -> Iterator[Place]:
        element = self._types.element(place.type, name)
        if element is None:
            return
        members = place.members
        for key, kind in element.json_names.items():
            for at, (value, sibling) in enumerate(pairs_of(members, key)):
                own = kind
                if isinstance(value, dict) and kind in {"Resource", "DomainResource"}:
                    own = str(value.get("resourceType", kind))
                position = at if element.is_list else None
                choice = element.name if element.is_choice else ""
                yield Place(members, key, position, own, value, sibling, choice)

    def _by_identity(self, node: Node) -> list[Place]:
        compiled = self._engine.compile(to_source(node), self._root.type)
        results = compiled.typed(self._root.value)
        known = {id(place.value): place for place in self._all(self._root)}
        return [known[id(item.value)] for item in results if id(item.value) in known]

    def _all(self, place: Place) -> Iterator[Place]:
        """Every object of the resource."""
        if isinstance(place.value, dict):
            yield place
        info = self._types.type(place.type)
        for name in info.elements if info is not None else ():
            for child in self._children(place, name):
                yield from self._all(child)


def _parsed(path: str) -> Node:
    # The grammar reads `div` as the operator; `Patient.text.div` can only mean the narrative.
    node = parse(_DIV.sub(lambda match: "`div`" if match[0] == "div" else match[0], path))
    _check_bounded(node)
    return node


def _check_bounded(node: Node, depth: int = 0) -> None:
    """Errors: FHIRPathError for what makes more and more of what it is given, or begins at the root again in
    a criterion of a criterion: a short path would keep the server busy for ever.
    """
    if isinstance(node, Call):
        if node.name in _MULTIPLYING:
            raise FHIRPathError(error("patch-path-costly", "too-costly", name=node.name))
        for argument in node.arguments:
            _check_bounded(argument, depth + 1)
        if node.target is not None:
            _check_bounded(node.target, depth)
        return
    if isinstance(node, External) and node.name in _ROOTS and depth > 1:
        raise FHIRPathError(error("patch-path-costly", "too-costly", name=f"%{node.name}"))
    for part in children(node):
        _check_bounded(part, depth)


__all__ = ["FHIRPathError", "Pair", "Place", "Places", "pairs_of", "put_pairs"]
