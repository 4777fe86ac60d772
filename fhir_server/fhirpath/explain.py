"""What an expression is and what became of it, for the reader of `osteon fhirpath --explain`."""

from collections.abc import Iterator

from fhir_server.fhirpath.fragment import Fragment
from fhir_server.fhirpath.syntax import (
    Call,
    Chain,
    Index,
    Member,
    Node,
    Operation,
    Polarity,
    TypeOperation,
    children,
    to_source,
)

_INDENT = "  "


def explanation(syntax: Node, fragment: Fragment) -> str:
    """The normal form of the text, the syntax tree, and the compiled parts with their types."""
    lines = ["Expression", _INDENT + to_source(syntax), "Syntax tree"]
    lines += _syntax_lines(syntax, 1)
    lines.append("Compiled")
    lines += _fragment_lines(fragment, 1)
    return "\n".join(lines)


def _syntax_lines(node: Node, depth: int) -> Iterator[str]:
    yield f"{_INDENT * depth}{_label(node)}"
    for child in children(node):
        yield from _syntax_lines(child, depth + 1)


def _label(node: Node) -> str:
    match node:
        case Member(name=name):
            return f"member {name}"
        case Call(name=name):
            return f"call {name}()"
        case Index():
            return "index [ ]"
        case Polarity(sign=sign):
            return f"polarity {sign}"
        case Operation(operator=operator) | Chain(operator=operator):
            return f"operator {operator}"
        case TypeOperation(operator=operator, type_name=name):
            return f"operator {operator} {name}"
        case _:
            return f"{type(node).__name__.lower()} {to_source(node)}"


def _fragment_lines(fragment: Fragment, depth: int) -> Iterator[str]:
    types = "?" if fragment.types is None else " | ".join(fragment.types) or "nothing"
    lane = ", fast lane" if fragment.fast is not None else ""
    yield f"{_INDENT * depth}{fragment.note} → {types}{lane}"
    for part in fragment.parts:
        yield from _fragment_lines(part, depth + 1)
