"""A piece of SQL and the values for its places. Client input is only ever a value.

`sql("r.key = %s", 5) & sql("r.type = %s", 3)` → `r.key = %s AND r.type = %s` with `(5, 3)`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, LiteralString

_DIGITS: tuple[LiteralString, ...] = ("0", "1", "2", "3", "4", "5", "6", "7", "8", "9")


@dataclass(frozen=True, slots=True)
class Fragment:
    """SQL text with `%s` places, and the values for them in order."""

    text: LiteralString
    parameters: tuple[Any, ...] = ()

    def __add__(self, other: "Fragment") -> "Fragment":
        return Fragment(self.text + other.text, self.parameters + other.parameters)

    def __and__(self, other: "Fragment") -> "Fragment":
        return self + Fragment(" AND ") + other


def sql(text: LiteralString, *parameters: Any) -> Fragment:
    """A fragment of literal text and its values."""
    return Fragment(text, parameters)


def join(separator: LiteralString, fragments: Iterable[Fragment]) -> Fragment:
    """The fragments one after the other with the separator between."""
    items = list(fragments)
    text = separator.join(item.text for item in items)
    return Fragment(text, tuple(value for item in items for value in item.parameters))


def bracket(fragment: Fragment) -> Fragment:
    """The fragment in brackets."""
    return Fragment("(" + fragment.text + ")", fragment.parameters)


def alias(name: LiteralString, number: int) -> LiteralString:
    """A table alias that no other part of the statement has."""
    return (
        name + _DIGITS[number] if number < 10 else alias(name, number // 10) + _DIGITS[number % 10]
    )
