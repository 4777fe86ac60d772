"""The language of `_filter`: text to a tree, every part with its position.

    filter   = term (("and" / "or") term)*           from left to right, neither binds tighter
    term     = "(" filter ")" / "not" "(" filter ")" / path SP operator SP value
    path     = name ["[" filter "]"] ["." path]
    value    = JSON string / any signs but white space, ")" and "]"

Source: FHIR R4 §3.1.3, https://hl7.org/fhir/R4/search_filter.html
"""

import re
from dataclasses import dataclass
from typing import Literal, get_args

import msgspec

from fhir_server.model.issues import Refused, refuse

Operator = Literal[
    "eq", "ne", "co", "sw", "ew", "gt", "lt", "ge", "le", "ap", "sa", "eb", "pr", "po", "ss", "sb",
    "in", "ni", "re",
]  # fmt: skip
OPERATORS: tuple[Operator, ...] = get_args(Operator)
MAX_NESTING = 50
MAX_COMPARISONS = 100

_SPACE = re.compile(r"\s*")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*", re.ASCII)
_WORD = re.compile(r"[A-Za-z]+", re.ASCII)
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
_TOKEN = re.compile(r"[^\s)\]]+")


@dataclass(frozen=True, slots=True)
class Step:
    """One name of a path, and the filter that the resource it leads to must meet."""

    name: str
    condition: "Filter | None"
    position: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """A path compared with a value. `position` is that of its operator."""

    path: tuple[Step, ...]
    operator: Operator
    value: str
    position: int


@dataclass(frozen=True, slots=True)
class Logical:
    """Two filters joined."""

    operator: Literal["and", "or"]
    left: "Filter"
    right: "Filter"


@dataclass(frozen=True, slots=True)
class Negation:
    """A filter that must not hold."""

    condition: "Filter"


Filter = Comparison | Logical | Negation


def parse_filter_text(text: str) -> Filter:
    """The tree of a filter. Errors: Refused(400) with the position and what was expected there."""
    parser = _Parser(text)
    found = parser.filter()
    if parser.at < len(text):
        raise parser.fault("and, or")
    return found


class _Parser:
    """Reads from left to right; `at` is where it stands, always behind white space."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self._nesting = 0
        self._comparisons = 0
        self._skip()

    def filter(self) -> Filter:
        self._nesting += 1
        if self._nesting > MAX_NESTING:
            raise refuse(400, "search-filter-too-complex", "too-costly", position=self.at + 1)
        left = self._term()
        while (word := self._peek()) in {"and", "or"}:
            self._take(word)
            left = Logical("and" if word == "and" else "or", left, self._term())
        self._nesting -= 1
        return left

    def fault(self, expected: str) -> Refused:
        """The refusal of what stands here."""
        found = self.text[self.at : self.at + 20] or "end"
        return refuse(400, "search-filter-syntax", "value",
                      position=self.at + 1, found=found, expected=expected)  # fmt: skip

    def _term(self) -> Filter:
        if self._is_at("("):
            return self._in_brackets("(", ")")
        if self._peek() == "not" and self.text[self.at + 3 :].lstrip()[:1] == "(":
            self._take("not")
            return Negation(self._in_brackets("(", ")"))
        return self._comparison()

    def _comparison(self) -> Comparison:
        self._comparisons += 1
        if self._comparisons > MAX_COMPARISONS:
            raise refuse(400, "search-filter-too-complex", "too-costly", position=self.at + 1)
        path = self._path()
        position = self.at
        operator = next((one for one in OPERATORS if one == self._peek()), None)
        if operator is None:
            raise self.fault(", ".join(OPERATORS))
        self._take(operator)
        return Comparison(path, operator, self._value(), position)

    def _path(self) -> tuple[Step, ...]:
        steps: list[Step] = []
        while True:
            name = _NAME.match(self.text, self.at)
            if name is None:
                raise self.fault("(, not, name" if not steps else "name")
            self.at = name.end()
            condition = self._in_brackets("[", "]", skip=False) if self._is_at("[") else None
            steps.append(Step(name[0], condition, name.start()))
            if self._is_at("."):
                self.at += 1
            elif condition is not None:
                raise self.fault(".")
            else:
                break
        if self.at < len(self.text) and not self.text[self.at].isspace():
            raise self.fault("., [, space")
        self._skip()
        return tuple(steps)

    def _value(self) -> str:
        if self._is_at('"'):
            string = _STRING.match(self.text, self.at)
            if string is None:
                raise self.fault('"…"')
            try:
                value: str = msgspec.json.decode(string[0], type=str)
            except msgspec.DecodeError:
                raise self.fault('"…"') from None
            self.at = string.end()
        else:
            token = _TOKEN.match(self.text, self.at)
            if token is None:
                raise self.fault("value")
            value = token[0]
            self.at = token.end()
        self._skip()
        return value

    def _in_brackets(self, opening: str, closing: str, *, skip: bool = True) -> Filter:
        self.at += len(opening)
        self._skip()
        found = self.filter()
        if not self._is_at(closing):
            raise self.fault(f"{closing}, and, or")
        self.at += 1
        if skip:
            self._skip()
        return found

    def _is_at(self, sign: str) -> bool:
        return self.text.startswith(sign, self.at)

    def _peek(self) -> str:
        """The word that stands here, up to the next sign that is no letter."""
        word = _WORD.match(self.text, self.at)
        return word[0] if word else ""

    def _take(self, word: str) -> None:
        self.at += len(word)
        follower = self.text[self.at : self.at + 1]
        may_be_bracket = word in {"and", "or", "not"} and follower == "("
        if follower and not follower.isspace() and not may_be_bracket:
            raise self.fault("space")
        self._skip()

    def _skip(self) -> None:
        space = _SPACE.match(self.text, self.at)
        self.at = space.end() if space else self.at
