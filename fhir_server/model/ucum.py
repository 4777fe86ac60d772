"""UCUM: what a unit measures and how much of it, exactly.

Source: UCUM 2.1 §2 (grammar) and §3 (semantics), https://ucum.org/ucum
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

from fhir_server.model.ucum_curves import Curve
from fhir_server.model.ucum_table import (
    BASE_UNITS,
    CURVED_METRIC,
    CURVES,
    METRIC,
    PLAIN,
    PREFIXES,
    SPECIAL,
)

MAX_LENGTH = 200
MAX_EXPONENT = 64
_MAX_NESTING = 16

Dimensions = tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit in base units: `value` in it is `value × factor + shift` in `dimensions`; with a `curve`,
    `factor` belongs to what the curve gives.
    """

    factor: Fraction
    dimensions: Dimensions
    shift: Fraction = Fraction(0)
    curve: Curve | None = None

    def to_base(self, value: Fraction) -> Fraction | None:
        """A number of this unit in base units; None beyond what can be worked out."""
        if self.curve is None:
            return value * self.factor + self.shift
        amount = self.curve.amount(value)
        return None if amount is None else amount * self.factor

    def from_base(self, value: Fraction) -> Fraction | None:
        """A number of base units in this unit; None where this unit has none for it."""
        if self.curve is None:
            return (value - self.shift) / self.factor
        return self.curve.number(value / self.factor)

    @property
    def base_code(self) -> str:
        """The same dimensions as a UCUM code of base units, `1` for none."""
        return ".".join(f"{b}{e if e != 1 else ''}" for b, e in self.dimensions) or "1"


ONE = Unit(Fraction(1), ())


class _NoUnitError(Exception):
    pass


@lru_cache(maxsize=4096)
def parse_unit(code: str) -> Unit | None:
    """The unit of a UCUM code; None where the code is none, or is not in the table."""
    if not code or len(code) > MAX_LENGTH or " " in code:
        return None
    if code in SPECIAL:
        factor, shift = SPECIAL[code]
        return Unit(factor, (("K", 1),), shift)
    curved = _curved(_ANNOTATION.sub("", code))
    if curved is not None:
        return curved
    reader = _Reader(code, 0)
    try:
        unit = reader.term()
        reader.end()
    except (_NoUnitError, ZeroDivisionError, RecursionError):
        return None
    return unit


def _curved(code: str) -> Unit | None:
    """A unit on a curve, which stands alone: it takes no part in products (§21)."""
    prefix = Fraction(1)
    if code not in CURVES:
        length = next((n for n in (1, 2) if code[n:] in CURVED_METRIC), 0)
        prefix = PREFIXES.get(code[:length], Fraction(0))
        code = code[length:]
    if code not in CURVES or not prefix:
        return None
    base, step, reference = CURVES[code]
    unit = _defined(code, reference, 0)
    return Unit(unit.factor, unit.dimensions, curve=Curve(base, prefix * Fraction(step)))


def multiplied(left: Unit, right: Unit, sign: int = 1) -> Unit:
    """The product of two units, or with a sign of -1 their quotient."""
    exponents = dict(left.dimensions)
    for base, exponent in right.dimensions:
        exponents[base] = exponents.get(base, 0) + sign * exponent
    factor = left.factor * right.factor if sign > 0 else left.factor / right.factor
    return Unit(factor, _sorted(exponents))


def _sorted(exponents: Mapping[str, int]) -> Dimensions:
    return tuple(sorted((base, exponent) for base, exponent in exponents.items() if exponent))


def _raised(unit: Unit, exponent: int) -> Unit:
    if abs(exponent) > MAX_EXPONENT:
        raise _NoUnitError
    return Unit(unit.factor**exponent, _sorted({base: e * exponent for base, e in unit.dimensions}))


_NUMBER = re.compile(r"[0-9]+")
_DECIMAL = re.compile(r"([0-9]+(?:\.[0-9]+)?)\*")
_EXPONENT = re.compile(r"[+-]?[0-9]+")
_ANNOTATION = re.compile(r"\{[!-z|~]*\}")
_SYMBOL = re.compile(r"(?:10\*|10\^|(?:[A-Za-z_%'\"]|\[[!-Z\\^-z|~]*\])+)")


class _Reader:
    """Recursive descent over one code; `definition` texts may begin with a decimal factor and `*`."""

    def __init__(self, text: str, nesting: int, *, is_definition: bool = False) -> None:
        self._text = text
        self._at = 0
        self._nesting = nesting
        self._is_definition = is_definition
        if nesting > _MAX_NESTING:
            raise _NoUnitError

    def end(self) -> None:
        if self._at != len(self._text):
            raise _NoUnitError

    def term(self) -> Unit:
        sign = 1
        unit = ONE
        if self._peek() == "/":
            self._at += 1
            sign = -1
        while True:
            unit = multiplied(unit, self._component(), sign)
            following = self._peek()
            if following not in {".", "/"}:
                return unit
            sign = 1 if following == "." else -1
            self._at += 1

    def _peek(self) -> str:
        return self._text[self._at : self._at + 1]

    def _component(self) -> Unit:
        if self._peek() == "(":
            self._at += 1
            self._nesting += 1
            if self._nesting > _MAX_NESTING:
                raise _NoUnitError
            inner = self.term()
            if self._peek() != ")":
                raise _NoUnitError
            self._at += 1
            self._nesting -= 1
            return inner
        if self._annotation():
            return ONE
        unit = self._scaled() if self._is_definition else self._annotatable()
        self._annotation()
        return unit

    def _annotation(self) -> bool:
        match = _ANNOTATION.match(self._text, self._at)
        if match:
            self._at = match.end()
        return match is not None

    def _scaled(self) -> Unit:
        number = _DECIMAL.match(self._text, self._at)
        if number is None or number[1] == "10":
            return self._annotatable()
        self._at = number.end()
        rest = self._annotatable()
        return Unit(Fraction(number[1]) * rest.factor, rest.dimensions)

    def _annotatable(self) -> Unit:
        symbol = _SYMBOL.match(self._text, self._at)
        if symbol is None:
            number = _NUMBER.match(self._text, self._at)
            if number is None or int(number[0]) == 0:
                raise _NoUnitError
            self._at = number.end()
            return Unit(Fraction(int(number[0])), ())
        self._at = symbol.end()
        unit = _symbol(symbol[0], self._nesting)
        exponent = _EXPONENT.match(self._text, self._at)
        if exponent is None:
            return unit
        self._at = exponent.end()
        return _raised(unit, int(exponent[0]))


def _symbol(code: str, nesting: int) -> Unit:
    if code in BASE_UNITS:
        return Unit(Fraction(1), ((code, 1),))
    definition = PLAIN.get(code, METRIC.get(code))
    if definition is not None:
        return _defined(code, definition, nesting)
    for length in (2, 1):
        factor, rest = PREFIXES.get(code[:length]), code[length:]
        if factor is None or not (rest in METRIC or rest in BASE_UNITS):
            continue
        unit = _symbol(rest, nesting)
        return Unit(factor * unit.factor, unit.dimensions)
    if code in SPECIAL or code[1:] == "Cel":
        # Within a product a temperature counts as a difference.
        factor = SPECIAL[code][0] if code in SPECIAL else PREFIXES.get(code[0], Fraction(0))
        if factor:
            return Unit(factor, (("K", 1),))
    raise _NoUnitError


@lru_cache(maxsize=512)
def _defined(code: str, definition: str, nesting: int) -> Unit:
    if not definition:
        return Unit(Fraction(1), ((code, 1),))
    plain = re.fullmatch(r"[0-9]+(?:\.[0-9]+)?", definition)
    if plain:
        return Unit(Fraction(definition), ())
    reader = _Reader(definition, nesting + 1, is_definition=True)
    unit = reader.term()
    reader.end()
    return unit
