"""The index rows of one resource, as the tables of `fhir_server.store.schema` hold them."""

from decimal import Decimal
from typing import Any, Protocol

import msgspec

from fhir_server.store.keys import CONTAINED


class TypedValue(Protocol):
    """A value that an expression gave: its FHIR type and its JSON."""

    @property
    def type(self) -> str:
        """The name of the type."""
        ...

    @property
    def value(self) -> Any:
        """The JSON value, None where it has only extensions."""
        ...


class IndexRows(msgspec.Struct):
    """What search knows of a resource.

    Shape: `tokens` for `resource.tokens`; the others rows of their tables without `key`: `dates`
    (parameter, low, high), `numbers` (parameter, low, high), `quantities` (parameter, unit, low, high),
    `strings` (parameter, folded value, whether parts of it can be asked for), `references` (parameter, key
    of the target), `texts` (words).
    `fragments` (number, id of a contained resource): references that become tokens once the container is
    known. Each row once. `codes` (parameter, token, code) belong to no resource: what their tokens stand for.
    `left_out`: the codes of parameters whose expressions could not be evaluated on it.
    """

    tokens: list[int] = []
    dates: list[tuple[int, int, int]] = []
    numbers: list[tuple[int, Decimal, Decimal]] = []
    quantities: list[tuple[int, int, Decimal, Decimal]] = []
    strings: list[tuple[int, str, bool]] = []
    references: list[tuple[int, int]] = []
    texts: list[tuple[str]] = []
    codes: list[tuple[int, int, str]] = []
    fragments: list[tuple[int, str]] = []
    left_out: list[str] = []

    def distinct(self) -> "IndexRows":
        """The same rows, each once, tokens sorted."""
        self.tokens = sorted(set(self.tokens))
        for name in ("dates", "numbers", "quantities", "strings", "references", "codes"):
            rows = getattr(self, name)
            if len(rows) > 1:
                setattr(self, name, list(dict.fromkeys(rows)))
        return self

    def of_contained(self) -> "IndexRows":
        """The same rows under the numbers that contained resources have; without words and codes, which
        no search for them asks for.
        """
        return IndexRows(
            tokens=sorted(token ^ CONTAINED for token in self.tokens),
            dates=[(parameter ^ CONTAINED, low, high) for parameter, low, high in self.dates],
            numbers=[(parameter ^ CONTAINED, low, high) for parameter, low, high in self.numbers],
            quantities=[
                (parameter ^ CONTAINED, unit, low, high)
                for parameter, unit, low, high in self.quantities
            ],
            strings=[
                (parameter ^ CONTAINED, value, in_parts)
                for parameter, value, in_parts in self.strings
            ],
            references=[(parameter ^ CONTAINED, target) for parameter, target in self.references],
        )
