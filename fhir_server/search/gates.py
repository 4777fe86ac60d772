"""Expressions that give something only where some codes of the resource let them.

`Observation.where(code.coding.where(system = 's' and code = 'c').exists()).value.ofType(Quantity)` is how a
parameter is made for one kind of observation, `Condition.onset.where(%resource.clinicalStatus.coding.code !=
'resolved')` how one leaves out what no longer counts, and a type may have dozens. What they ask follows from
the codings and codes of one element or two, so it is asked once for each combination of these.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from fhir_server.fhirpath import CompiledExpression, FHIRPath, FHIRPathError
from fhir_server.fhirpath.parser import parse
from fhir_server.fhirpath.syntax import (
    Call,
    Chain,
    Constant,
    External,
    Member,
    Node,
    Operation,
    to_source,
    walk,
)
from fhir_server.search.elements import Fill
from fhir_server.search.rows import IndexRows

MOST_KEPT = 4096
"""How many combinations of codes are kept; then all of them are forgotten."""

_RESOURCE = External("resource")
_LOGIC = frozenset({"and", "or", "|", "=", "!=", "in", "implies"})
_OF_VALUES = frozenset({"exists", "empty", "not"})
_OF_NOTHING_NOTHING = frozenset({"where", "select", "ofType", "as", "extension", "first", "last"})
"""Functions that give nothing where there is nothing; `empty()` would not."""
_OF_A_CODING = frozenset({"system", "code"})
_LIST = "list of"
"""What the key of an element that repeats begins with."""


@dataclass(frozen=True, slots=True)
class Gate:
    """What an expression asks of codes before anything else.

    Shape: `elements` those of the resource that are asked; `test` the condition; `rest` the expression
    without it.
    """

    elements: tuple[str, ...]
    test: str
    rest: str


def gate_of(expression: str, resource_type: str) -> Gate | None:
    """The gate before an expression, None where it has none."""
    try:
        syntax = parse(expression)
    except FHIRPathError:
        return None
    return _after_the_type(syntax, resource_type) or _of_the_resource(syntax)


def _after_the_type(node: Node, resource_type: str) -> Gate | None:
    """`Type.where(condition)`, and what follows it."""
    match node:
        case Call(name="where", target=Member(target=None) as root, arguments=(criterion,)):
            return _gate(root, criterion, None) if root.name == resource_type else None
        case Call(target=Node() as target, name=name) if name in _OF_NOTHING_NOTHING:
            inner = _after_the_type(target, resource_type)
        case Member(target=Node() as target):
            inner = _after_the_type(target, resource_type)
        case _:
            return None
    return inner and replace(inner, rest=to_source(replace(node, target=parse(inner.rest))))


def _of_the_resource(node: Node) -> Gate | None:
    """`….where(condition)` whose condition asks `%resource`."""
    match node:
        case Call(name="where", target=Node() as target, arguments=(criterion,)):
            return _gate(target, criterion, _RESOURCE)
        case _:
            return None


def _gate(target: Node, criterion: Node, start: External | None) -> Gate | None:
    """The gate of those conditions in a criterion that ask nothing but codes of the resource, whose elements
    begin at `start`.
    """
    conditions = _conjuncts(criterion)
    asked = [_elements(condition, start) for condition in conditions]
    tests = [one for one, names in zip(conditions, asked, strict=True) if names]
    others = [one for one, names in zip(conditions, asked, strict=True) if not names]
    if not tests:
        return None
    elements = sorted({name for names in asked if names for name in names})
    rest = Call(target, "where", (_joined(others),)) if others else target
    test = to_source(_joined(tests)).replace("%resource.", "")
    return Gate(tuple(elements), test, to_source(rest))


def _conjuncts(node: Node) -> tuple[Node, ...]:
    return node.operands if isinstance(node, Chain) and node.operator == "and" else (node,)


def _joined(conditions: Sequence[Node]) -> Node:
    return conditions[0] if len(conditions) == 1 else Chain("and", tuple(conditions))


def _elements(node: Node, start: External | None) -> frozenset[str] | None:
    """The elements of the resource whose codes a condition asks; None where it asks for more.

    Shape: elements begin at `start`: at `%resource`, or by their names alone.
    """
    match node:
        case Constant(value=value):
            return None if "%" in str(value) else frozenset()
        case Chain(operator=operator, operands=parts) if operator in _LOGIC:
            return _all(parts, start)
        case Operation(operator=operator, left=left, right=right) if operator in _LOGIC:
            return _all((left, right), start)
        case Call(name=name, target=Node() as target, arguments=()) if name in _OF_VALUES:
            return _elements(target, start)
        case Call(name="intersect", target=Node() as target, arguments=(texts,)):
            return _all((target, texts), start)
        case Call(name="where", target=Member(name="coding") as target, arguments=(criterion,)):
            return _elements(target, start) if _asks_a_coding(criterion) else None
        case Member(target=owner, name=name) if owner == start:
            return frozenset({name})
        case Member(target=Member(target=owner) as target, name="coding") if owner == start:
            return frozenset({target.name})
        case Member(target=(Member(name="coding") | Call(name="where")) as target, name=name):
            return _elements(target, start) if name in _OF_A_CODING else None
        case _:
            return None


def _all(parts: Sequence[Node], start: External | None) -> frozenset[str] | None:
    found: set[str] = set()
    for part in parts:
        names = _elements(part, start)
        if names is None:
            return None
        found |= names
    return frozenset(found)


def _asks_a_coding(criterion: Node) -> bool:
    """Whether a criterion compares the system and the code of a Coding, and nothing else."""
    return all(
        (isinstance(node, Constant) and "%" not in str(node.value))
        or (isinstance(node, Member) and node.target is None and node.name in _OF_A_CODING)
        or (isinstance(node, Chain | Operation) and node.operator in _LOGIC)
        for node in walk(criterion)
    )


class GatesOfElements:
    """The gates of a type that look at the same elements; of each, what fills index rows behind it, and what
    notes that it fails.
    """

    def __init__(
        self,
        elements: tuple[str, ...],
        gates: Sequence[tuple[Gate, Fill, Fill]],
        resource_type: str,
        engine: FHIRPath,
    ) -> None:
        self._elements = elements
        self._type = resource_type
        self._gates = [
            (engine.compile(gate.test, context_type=resource_type), behind, failed)
            for gate, behind, failed in gates
        ]
        self._open: dict[tuple[Any, ...], tuple[Fill, ...]] = {}

    def fill(self, resource: dict[str, Any], rows: IndexRows) -> None:
        """Add the rows behind the gates that let a resource through. Errors: WRONG_SHAPE."""
        codes = tuple([_codes(resource, element) for element in self._elements])
        found = self._open.get(codes)
        for fill in self._tried(codes) if found is None else found:
            fill(resource, rows)

    def _tried(self, codes: tuple[Any, ...]) -> tuple[Fill, ...]:
        values = zip(self._elements, map(_restored, codes), strict=True)
        stub = {name: value for name, value in values if value is not None}
        stub["resourceType"] = self._type
        found = tuple(fill for gate in self._gates if (fill := _opened(*gate, stub)) is not None)
        if len(self._open) >= MOST_KEPT:
            self._open.clear()
        self._open[codes] = found
        return found


def _opened(
    gate: CompiledExpression, behind: Fill, failed: Fill, stub: dict[str, Any]
) -> Fill | None:
    """What fills rows where a gate lets these codes through. Where it fails, so would the expression."""
    try:
        return behind if gate.test(stub) is True else None
    except FHIRPathError:
        return failed


def _codes(resource: dict[str, Any], element: str) -> Any:
    """The codes of an element as a key."""
    value = resource.get(element)
    if value is None:
        if f"_{element}" in resource:
            raise TypeError(element)
        return None
    return (_LIST, *map(_codes_of, value)) if type(value) is list else _codes_of(value)


def _codes_of(value: Any) -> Any:
    """A code itself; of a concept the system and code of each coding."""
    if type(value) is dict:
        return tuple([_pair(one) for one in value.get("coding", ())])
    if type(value) is str or type(value) is bool:
        return value
    raise TypeError(value)


def _pair(coding: dict[str, Any]) -> tuple[Any, Any]:
    if "_code" in coding or "_system" in coding:
        raise TypeError(coding)
    return coding.get("system"), coding.get("code")


def _restored(codes: Any) -> Any:
    """An element that has these codes."""
    if type(codes) is not tuple:
        return codes
    if codes[:1] == (_LIST,):
        return [_restored(one) for one in codes[1:]]
    pairs = [zip(("system", "code"), coding, strict=True) for coding in codes]
    return {"coding": [{name: text for name, text in pair if text is not None} for pair in pairs]}
