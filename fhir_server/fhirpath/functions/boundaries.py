"""Boundaries of imprecise values: `lowBoundary()`, `highBoundary()`, `precision()`, `comparable()`.

A value stands for the range of all that is written so: 1.587 for 1.5865 to 1.5875, 2014 for the
whole year.

Source: FHIRPath 2.0 trial-use functions http://hl7.org/fhirpath/#lowboundaryprecision-integer-decimal--date--datetime--time
"""

from calendar import monthrange
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal
from typing import Any, Literal

from fhir_server.fhirpath import units
from fhir_server.fhirpath.functions.registry import on_item
from fhir_server.fhirpath.quantity import Quantity
from fhir_server.fhirpath.temporal import Temporal

Side = Literal["low", "high"]

_LINK = "http://hl7.org/fhirpath/#lowboundaryprecision-integer-decimal--date--datetime--time"
MAX_PRECISION = 31
_DATE_DIGITS = (4, 6, 8)
_DATETIME_DIGITS = (4, 6, 8, 10, 12, 17)
_TIME_DIGITS = (2, 4, 9)
_LOW_ZONE, _HIGH_ZONE = 14 * 60, -12 * 60
"""The zones in which a local time comes first and last on Earth."""


@on_item("lowBoundary", _LINK, takes="any", returns=None, arguments=("integer",), optional=1)
def low_boundary(value: Any, precision: int | None = None) -> Any:
    """The least value the input may stand for, to a precision."""
    return boundary(value, precision, "low")


@on_item("highBoundary", _LINK.replace("low", "high"), takes="any", returns=None,
         arguments=("integer",), optional=1)  # fmt: skip
def high_boundary(value: Any, precision: int | None = None) -> Any:
    """The greatest value the input may stand for, to a precision."""
    return boundary(value, precision, "high")


def boundary(value: Any, precision: int | None, side: Side) -> Any:
    """A boundary of a number, quantity, date, dateTime or time; None for other values."""
    if type(value) in {int, Decimal}:
        return _of_number(Decimal(value), 8 if precision is None else precision, side)
    if type(value) is Quantity:
        number = _of_number(value.value, 8 if precision is None else precision, side)
        return None if number is None else Quantity(number, value.unit, value.calendar)
    return _of_moment(value, precision, side) if type(value) is Temporal else None


def _of_number(value: Decimal, precision: int, side: Side) -> Decimal | None:
    """Half a unit of the last written digit away, then cut to the precision.

    Towards zero the digits beyond are dropped, away from it they are rounded: see
    docs/spec-clarifications.md.
    """
    if not 0 <= precision <= MAX_PRECISION:
        return None
    sign, digits, exponent = value.as_tuple()
    if not isinstance(exponent, int):
        return None
    is_negative = sign == 1
    half = Decimal((0, (5,), min(exponent, 0) - 1))
    is_outer = (side == "high") != is_negative
    magnitude = Decimal((0, digits, exponent))
    magnitude = magnitude + half if is_outer else magnitude - half
    try:
        cut = magnitude.quantize(
            Decimal(1).scaleb(-precision), ROUND_HALF_UP if is_outer else ROUND_DOWN
        )
    except ArithmeticError:
        return None
    return cut.copy_negate() if is_negative else cut


def _of_moment(value: Temporal, precision: int | None, side: Side) -> Temporal | None:
    digits = {"Date": _DATE_DIGITS, "DateTime": _DATETIME_DIGITS, "Time": _TIME_DIGITS}[value.kind]
    wanted = digits[-1] if precision is None else precision
    if wanted not in digits:
        return None
    count = digits.index(wanted) + 1
    parts = _filled(value, len(digits), side)[:count]
    if value.kind != "DateTime" or count <= 3:
        return Temporal(value.kind, parts)
    zone = _LOW_ZONE if side == "low" else _HIGH_ZONE
    return Temporal("DateTime", parts, zone if value.offset is None else value.offset)


def _filled(value: Temporal, length: int, side: Side) -> tuple[int | Decimal, ...]:
    parts = list(value.parts)
    clock_at = 0 if value.kind == "Time" else 3
    while len(parts) < length:
        place = len(parts) - clock_at
        parts.append(_extreme(parts, place, side))
    if len(parts) - clock_at == 3:
        parts[-1] = _to_milliseconds(Decimal(parts[-1]), side)
    return tuple(parts)


def _extreme(parts: list[int | Decimal], place: int, side: Side) -> int | Decimal:
    if side == "low":
        if place == 2:
            return Decimal("0.000")
        return 1 if place < 0 else 0
    if place == -1:
        return monthrange(int(parts[0]), int(parts[1]))[1]
    if place == 2:
        return Decimal("59.999")
    return {-2: 12, 0: 23, 1: 59}[place]


def _to_milliseconds(seconds: Decimal, side: Side) -> Decimal:
    exponent = seconds.as_tuple().exponent
    if isinstance(exponent, int) and exponent <= -3:
        return seconds.quantize(Decimal("0.001"), ROUND_DOWN)
    if side == "low":
        return seconds.quantize(Decimal("0.001"))
    step = Decimal(1).scaleb(exponent if isinstance(exponent, int) else 0)
    return seconds + step - Decimal("0.001")


@on_item("precision", "http://hl7.org/fhirpath/#precision--integer", takes="any", returns="Integer")
def precision_of(value: Any) -> int | None:
    """The number of digits written: after the point for numbers, all of them for dates and times."""
    if type(value) is Temporal:
        return _digits(value)
    if type(value) is int:
        return 0
    if type(value) is Decimal:
        exponent = value.as_tuple().exponent
        return max(-exponent, 0) if isinstance(exponent, int) else None
    return None


def _digits(value: Temporal) -> int:
    at = len(value.parts) - 1
    digits = {"Date": _DATE_DIGITS, "DateTime": _DATETIME_DIGITS, "Time": _TIME_DIGITS}[value.kind]
    if at < len(digits) - 1 or value.kind == "Date":
        return digits[at]
    exponent = Decimal(value.parts[-1]).as_tuple().exponent
    return digits[at] - 3 + (-exponent if isinstance(exponent, int) else 0)


@on_item("comparable", "http://hl7.org/fhirpath/#comparablequantity--boolean", takes="measure",
         returns="Boolean", arguments=("measure",))  # fmt: skip
def comparable(left: Any, right: Any) -> bool:
    """Whether two quantities measure the same."""
    one = left if type(left) is Quantity else Quantity(Decimal(left), "1")
    other = right if type(right) is Quantity else Quantity(Decimal(right), "1")
    return units.are_comparable(one, other)
