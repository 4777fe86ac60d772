"""Expressions that give something only on resources of some code.

`Observation.where(code.coding.where(system = 's' and code = 'c').exists()).value.ofType(Quantity)` is how a
parameter is made for one kind of observation, and a type may have dozens. Which of them a resource is for
follows from the codings of one element alone, so that is asked once for each combination of them.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from fhir_server.fhirpath import FHIRPath
from fhir_server.search.elements import Fill
from fhir_server.search.rows import IndexRows

_GATED = re.compile(
    r"(?P<type>[A-Z]\w*)\.where\("
    r"(?P<test>(?P<element>[a-z]\w*)\.coding\.where\((?P<criteria>[^()]*)\)\.exists\(\))(?P<rest>.*)"
)
_TEXT = re.compile(r"'[^'\\]*'")
_WORD = re.compile(r"\w+")
_OF_A_CODING = frozenset({"system", "code", "and", "or", "in"})
_OTHERWISE = re.compile(r"\b(?:or|xor|implies)\b")
_SELECT = ".select("

MOST_KEPT = 4096
"""How many combinations of codings are kept; then all of them are forgotten."""


@dataclass(frozen=True, slots=True)
class Gate:
    """What an expression asks of the codings of an element before anything else.

    Shape: `test` the condition as an expression; `path` the expression without it where it asks for nothing
    else, else empty.
    """

    element: str
    test: str
    path: str = ""


def gate_of(expression: str, resource_type: str) -> Gate | None:
    """The gate before an expression, None where it has none."""
    match = _GATED.fullmatch(expression)
    if match is None or match["type"] != resource_type:
        return None
    if not set(_WORD.findall(_TEXT.sub("", match["criteria"]))) <= _OF_A_CODING:
        return None
    rest = match["rest"]
    end = _end_of_group(rest, 0)
    also, after = rest[:end].strip(), rest[end + 1 :]
    if end < 0:
        return None
    if not also:
        return Gate(match["element"], match["test"], resource_type + after)
    # Of nothing, a selection is nothing; a function such as `empty()` would not be.
    is_selection = (
        after.startswith(_SELECT) and _end_of_group(after, len(_SELECT)) == len(after) - 1
    )
    is_further = also.startswith("and ") and not _OTHERWISE.search(_TEXT.sub("", also))
    return Gate(match["element"], match["test"]) if is_selection and is_further else None


def _end_of_group(text: str, at: int) -> int:
    """Where the parenthesis closes that was opened before `at`; -1 where it does not."""
    masked = _TEXT.sub(lambda found: "x" * len(found[0]), text)
    depth = 1
    for position in range(at, len(masked)):
        depth += {"(": 1, ")": -1}.get(masked[position], 0)
        if depth == 0:
            return position
    return -1


class GatesOfElement:
    """The gates of a type that look at one element, and what fills index rows behind each."""

    def __init__(
        self, element: str, gates: Sequence[tuple[Gate, Fill]], resource_type: str, engine: FHIRPath
    ) -> None:
        self._element = element
        self._type = resource_type
        self._gates = [
            (engine.compile(gate.test, context_type=resource_type), fill) for gate, fill in gates
        ]
        self._open: dict[tuple[tuple[Any, Any], ...], tuple[Fill, ...]] = {}

    def fill(self, resource: dict[str, Any], rows: IndexRows) -> None:
        """Add the rows behind the gates that let a resource through."""
        concept = resource.get(self._element)
        if concept is None:
            return
        codings = tuple([(one.get("system"), one.get("code")) for one in concept.get("coding", ())])
        found = self._open.get(codings)
        for fill in self._tried(codings) if found is None else found:
            fill(resource, rows)

    def _tried(self, codings: tuple[tuple[Any, Any], ...]) -> tuple[Fill, ...]:
        listed = [
            {name: text for name, text in (("system", system), ("code", code)) if text is not None}
            for system, code in codings
        ]
        stub = {"resourceType": self._type, self._element: {"coding": listed}}
        found = tuple(fill for gate, fill in self._gates if gate.test(stub))
        if len(self._open) >= MOST_KEPT:
            self._open.clear()
        self._open[codings] = found
        return found
