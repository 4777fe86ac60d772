"""The abstract syntax tree of FHIRPath, and its way back to text.

Source: FHIRPath N1, appendix A, grammar: http://hl7.org/fhirpath/N1/#grammar
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

LiteralKind = Literal["boolean", "string", "integer", "decimal", "date", "datetime", "time"]
Variable = Literal["$this", "$index", "$total"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """Any part of an expression; `position` is its offset in the text."""

    position: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Constant(Node):
    """A literal. Dates and times keep their text."""

    kind: LiteralKind
    value: bool | str | int | Decimal


@dataclass(frozen=True, slots=True)
class QuantityLiteral(Node):
    """A number with a unit; `calendar` for a unit named by a keyword (`4 days`)."""

    value: Decimal
    unit: str
    calendar: bool


@dataclass(frozen=True, slots=True)
class EmptyLiteral(Node):
    """`{}`."""


@dataclass(frozen=True, slots=True)
class External(Node):
    """`%resource`, or with a delimited name, as for `vs-administrative-gender`."""

    name: str


@dataclass(frozen=True, slots=True)
class LoopVariable(Node):
    """A variable of a loop: `$this`, `$index`, `$total`."""

    name: Variable


@dataclass(frozen=True, slots=True)
class Member(Node):
    """An element by name; without target it is that of `$this`, or a type name."""

    target: Node | None
    name: str


@dataclass(frozen=True, slots=True)
class Call(Node):
    """A function on a target, or on `$this`."""

    target: Node | None
    name: str
    arguments: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Index(Node):
    """`target[index]`."""

    target: Node
    index: Node


@dataclass(frozen=True, slots=True)
class Polarity(Node):
    """`-x`, `+x`."""

    sign: Literal["+", "-"]
    operand: Node


@dataclass(frozen=True, slots=True)
class Operation(Node):
    """A binary operator."""

    operator: str
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Chain(Node):
    """`|`, `and`, `or` over two or more operands; associative, so held flat and never deep."""

    operator: Literal["|", "and", "or"]
    operands: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class TypeOperation(Node):
    """`x is T`, `x as T`."""

    operator: Literal["is", "as"]
    operand: Node
    type_name: str


CHAINED = frozenset({"|", "and", "or"})

PRECEDENCE = {
    "implies": 1, "or": 2, "xor": 2, "and": 3, "in": 4, "contains": 4, "=": 5, "~": 5, "!=": 5,
    "!~": 5, "<=": 6, "<": 6, ">": 6, ">=": 6, "|": 7, "is": 8, "as": 8, "+": 9, "-": 9, "&": 9,
    "*": 10, "/": 10, "div": 10, "mod": 10,
}  # fmt: skip
"""How tightly a binary operator binds. Source: http://hl7.org/fhirpath/N1/#operator-precedence"""

POLARITY_PRECEDENCE = 11
POSTFIX_PRECEDENCE = 12

KEYWORDS = frozenset({"and", "or", "xor", "implies", "in", "contains", "is", "as", "div", "mod",
                      "true", "false"})  # fmt: skip
NAMES_THOUGH_KEYWORDS = frozenset({"as", "contains", "in", "is"})
"""Keywords the grammar admits as an element's name."""


def children(node: Node) -> tuple[Node, ...]:
    """The direct parts of a node."""
    match node:
        case Member(target=target):
            return (target,) if target is not None else ()
        case Call(target=target, arguments=arguments):
            return (target, *arguments) if target is not None else arguments
        case Index(target=target, index=index):
            return (target, index)
        case Polarity(operand=operand) | TypeOperation(operand=operand):
            return (operand,)
        case Operation(left=left, right=right):
            return (left, right)
        case Chain(operands=operands):
            return operands
        case _:
            return ()


def walk(node: Node) -> Iterator[Node]:
    """A node and all its parts."""
    pending = [node]
    while pending:
        current = pending.pop()
        yield current
        pending.extend(children(current))


def to_source(node: Node) -> str:
    """The expression as text; parsing it gives the same tree."""
    return _source(node, 0)


def _source(node: Node, outer: int) -> str:
    text, precedence = _rendered(node)
    return f"({text})" if precedence < outer else text


def _rendered(node: Node) -> tuple[str, int]:
    match node:
        case Constant(kind=kind, value=value):
            return _constant(kind, value), POSTFIX_PRECEDENCE
        case QuantityLiteral(value=value, unit=unit, calendar=calendar):
            return f"{value:f} {unit if calendar else quoted(unit)}", POSTFIX_PRECEDENCE
        case EmptyLiteral():
            return "{}", POSTFIX_PRECEDENCE
        case External(name=name):
            return "%" + _name(name, frozenset()), POSTFIX_PRECEDENCE
        case LoopVariable(name=name):
            return name, POSTFIX_PRECEDENCE
        case Polarity(sign=sign, operand=operand):
            return sign + _source(operand, POLARITY_PRECEDENCE), POLARITY_PRECEDENCE
        case _:
            return _rendered_compound(node)


def _rendered_compound(node: Node) -> tuple[str, int]:
    match node:
        case Member(target=target, name=name):
            return _prefix(target) + _name(name, NAMES_THOUGH_KEYWORDS), POSTFIX_PRECEDENCE
        case Call(target=target, name=name, arguments=arguments):
            inner = ", ".join(_source(argument, 0) for argument in arguments)
            return (
                f"{_prefix(target)}{_name(name, NAMES_THOUGH_KEYWORDS)}({inner})",
                POSTFIX_PRECEDENCE,
            )
        case Index(target=target, index=index):
            return f"{_source(target, POSTFIX_PRECEDENCE)}[{_source(index, 0)}]", POSTFIX_PRECEDENCE
        case TypeOperation(operator=operator, operand=operand, type_name=type_name):
            dotted = ".".join(_name(part, NAMES_THOUGH_KEYWORDS) for part in type_name.split("."))
            return f"{_source(operand, PRECEDENCE[operator])} {operator} {dotted}", PRECEDENCE[
                operator
            ]
        case Operation(operator=operator, left=left, right=right):
            own = PRECEDENCE[operator]
            return f"{_source(left, own)} {operator} {_source(right, own + 1)}", own
        case Chain(operator=operator, operands=operands):
            own = PRECEDENCE[operator]
            first = _source(operands[0], own + (1 if _is_chain(operands[0], operator) else 0))
            rest = (_source(operand, own + 1) for operand in operands[1:])
            return f" {operator} ".join((first, *rest)), own
        case _:
            raise TypeError(type(node).__name__)


def _is_chain(node: Node, operator: str) -> bool:
    return isinstance(node, Chain) and node.operator == operator


def _prefix(target: Node | None) -> str:
    return "" if target is None else _source(target, POSTFIX_PRECEDENCE) + "."


def _constant(kind: LiteralKind, value: object) -> str:
    if kind == "string":
        return quoted(str(value))
    if kind == "boolean":
        return "true" if value else "false"
    if kind in {"date", "datetime", "time"}:
        return f"@{value}"
    return f"{value:f}" if isinstance(value, Decimal) else str(value)


_ESCAPES = {"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\f": "\\f"}


def quoted(text: str, mark: str = "'") -> str:
    """A text as a FHIRPath string."""
    escapes = _ESCAPES | {mark: "\\" + mark}
    return mark + "".join(escapes.get(character, character) for character in text) + mark


def _name(name: str, allowed: frozenset[str]) -> str:
    plain = name.isascii() and name.isidentifier() and (name not in KEYWORDS or name in allowed)
    return name if plain else quoted(name, "`")
