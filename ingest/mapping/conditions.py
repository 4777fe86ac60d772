"""Conditions of map lines, in words: `PV1-45 valued`, `XTN.3 in (Internet X.400)`, `role is morphology`.

condition := all ("or" all)*
all       := one ("and" one)*
one       := "not" one | "(" condition ")" | operand test
test      := "valued" | "empty" | "null" | "repeats" | "is" word | "in" "(" word+ ")"
operand   := a place (`PID-8`, `CX.4.2`) or a name of the map's `let:` section
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ingest.mapping.places import Place, parse_place

_TOKEN = re.compile(r"\s*(?:(?P<bracket>[()])|'(?P<quoted>[^']*)'|(?P<word>[^\s()']+))")


class ConditionError(ValueError):
    """A condition cannot be understood; the text says what was expected where."""


@dataclass(frozen=True, slots=True)
class Test:
    """An operand, a test and the words it is compared with."""

    operand: Place | str
    test: str
    words: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Not:
    """The opposite."""

    part: "Condition"


@dataclass(frozen=True, slots=True)
class All:
    """Every part holds."""

    parts: tuple["Condition", ...]


@dataclass(frozen=True, slots=True)
class Any:
    """One part holds."""

    parts: tuple["Condition", ...]


Condition = Test | Not | All | Any


def parse_condition(text: str, names: Sequence[str] = ()) -> Condition:
    """Read a condition; `names` are those of the `let:` section.

    Errors: ConditionError that says what was expected.
    """
    parser = _Parser(_tokens(text), frozenset(names))
    condition = parser.condition()
    if parser.peek() is not None:
        raise ConditionError(f"`and`, `or` or the end of the condition, found `{parser.peek()}`")
    return condition


def _tokens(text: str) -> list[str]:
    tokens, position = [], 0
    stripped = text.rstrip()
    while position < len(stripped):
        match = _TOKEN.match(stripped, position)
        if match is None:
            raise ConditionError(f"a closing quote after `{stripped[position:]}`")
        tokens.append(match["bracket"] or match["word"] or match["quoted"] or "")
        position = match.end()
    return tokens


class _Parser:
    def __init__(self, tokens: list[str], names: frozenset[str]) -> None:
        self._tokens = tokens
        self._names = names
        self._position = 0

    def peek(self) -> str | None:
        return self._tokens[self._position] if self._position < len(self._tokens) else None

    def _next(self, expected: str) -> str:
        token = self.peek()
        if token is None:
            raise ConditionError(f"{expected}, found the end of the condition")
        self._position += 1
        return token

    def condition(self) -> Condition:
        return self._chain("or", self._all, Any)

    def _all(self) -> Condition:
        return self._chain("and", self._one, All)

    def _chain(
        self, word: str, part: Callable[[], Condition], node: "type[All] | type[Any]"
    ) -> Condition:
        parts = [part()]
        while self.peek() == word:
            self._position += 1
            parts.append(part())
        return parts[0] if len(parts) == 1 else node(tuple(parts))

    def _one(self) -> Condition:
        word = self._next("a place, a name, `not` or `(`")
        if word == "not":
            return Not(self._one())
        if word == "(":
            inner = self.condition()
            if self._next("`)`") != ")":
                raise ConditionError("`)`")
            return inner
        return self._test(word)

    def _test(self, operand_text: str) -> Condition:
        operand = operand_text if operand_text in self._names else parse_place(operand_text)
        if operand is None:
            raise ConditionError(f"a place such as PID-8 or CX.5, found `{operand_text}`")
        test = self._next("`valued`, `empty`, `null`, `repeats`, `numeric`, `is` or `in`")
        if test in {"valued", "empty", "null", "repeats", "numeric"}:
            return Test(operand, test)
        if test == "is":
            return Test(operand, "in", frozenset({self._next("a word")}))
        if test == "in":
            return Test(operand, "in", self._words())
        raise ConditionError(
            f"`valued`, `empty`, `null`, `repeats`, `numeric`, `is` or `in`, found `{test}`"
        )

    def _words(self) -> frozenset[str]:
        if self._next("`(`") != "(":
            raise ConditionError("`(` and words separated by spaces after `in`")
        words = set()
        while (word := self._next("a word or `)`")) != ")":
            words.add(word)
        return frozenset(words)
