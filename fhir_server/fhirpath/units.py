"""Arithmetic and comparison of quantities over their units.

Calendar durations of a week and below equal the UCUM units; a calendar month or year is of no fixed
length and compares with months and years only.

Source: FHIRPath N1 §2.8, §6.1.1, §6.6 http://hl7.org/fhirpath/N1/#time-valued-quantities
"""

from decimal import Decimal
from fractions import Fraction

from fhir_server.fhirpath.quantity import CALENDAR_TO_UCUM, Quantity
from fhir_server.model.ucum import ONE, Unit, multiplied, parse_unit

_CALENDAR_MONTH = "calendar-month"
_CALENDAR = {
    "year": Unit(Fraction(12), ((_CALENDAR_MONTH, 1),)),
    "month": Unit(Fraction(1), ((_CALENDAR_MONTH, 1),)),
}


def unit_of(quantity: Quantity) -> Unit | None:
    """The unit of a quantity; None where UCUM does not know it."""
    if not quantity.calendar:
        return parse_unit(quantity.unit)
    return _CALENDAR.get(quantity.unit) or parse_unit(CALENDAR_TO_UCUM[quantity.unit])


def _pair(left: Quantity, right: Quantity) -> tuple[Fraction, Fraction] | None:
    """Both values in the same unit; None where there is none."""
    if left.unit == right.unit and left.calendar == right.calendar:
        return Fraction(left.value), Fraction(right.value)
    one, other = unit_of(left), unit_of(right)
    if one is None or other is None or one.dimensions != other.dimensions:
        return None
    first, second = one.to_base(Fraction(left.value)), other.to_base(Fraction(right.value))
    return None if first is None or second is None else (first, second)


def are_comparable(left: Quantity, right: Quantity) -> bool:
    """Whether two quantities measure the same."""
    return _pair(left, right) is not None


def equal(left: Quantity, right: Quantity) -> bool | None:
    """Whether two quantities are the same; None where their units have no common measure."""
    pair = _pair(left, right)
    return None if pair is None else pair[0] == pair[1]


def compare(left: Quantity, right: Quantity) -> int | None:
    """-1, 0 or 1; None where their units have no common measure."""
    pair = _pair(left, right)
    return None if pair is None else (pair[0] > pair[1]) - (pair[0] < pair[1])


def equivalent(left: Quantity, right: Quantity) -> bool:
    """Whether two quantities are the same to the lesser of their precisions.

    A calendar year or month is equivalent to UCUM's (FHIRPath N1 §6.1.2).
    """
    left, right = _definite(left), _definite(right)
    pair = _pair(left, right)
    if pair is None:
        return False
    one, other = unit_of(left) or ONE, unit_of(right) or ONE
    if one.curve is not None or other.curve is not None:
        return _alike_on_curve(left, right)
    step = max(_step(left.value) * one.factor, _step(right.value) * other.factor)
    return abs(pair[0] - pair[1]) <= step / 2 if pair[0] != pair[1] else True


def _alike_on_curve(left: Quantity, right: Quantity) -> bool:
    """Whether two quantities are the same to the precision of the one that is on a curve."""
    unit = unit_of(left)
    if unit is None or unit.curve is None:
        left, right = right, left
    other = convert(right, left.unit)
    return other is not None and abs(left.value - other.value) <= Decimal(
        as_decimal(_step(left.value) / 2)
    )


def _definite(quantity: Quantity) -> Quantity:
    if not quantity.calendar:
        return quantity
    return Quantity(quantity.value, CALENDAR_TO_UCUM[quantity.unit])


def _step(value: Decimal) -> Fraction:
    exponent = value.normalize().as_tuple().exponent
    return Fraction(1, 10 ** max(-exponent, 0)) if isinstance(exponent, int) else Fraction(1)


def convert(quantity: Quantity, unit: str) -> Quantity | None:
    """The quantity in another unit; None where that cannot be."""
    target = parse_unit(unit)
    source = unit_of(quantity)
    if target is None or source is None or target.dimensions != source.dimensions:
        return None
    amount = source.to_base(Fraction(quantity.value))
    value = None if amount is None else target.from_base(amount)
    return None if value is None else Quantity(as_decimal(value), unit)


def add(left: Quantity, right: Quantity, sign: int) -> Quantity | None:
    """The sum or difference, in the finer of the two units; None where they measure different things."""
    if left.unit == right.unit and left.calendar == right.calendar:
        return Quantity(left.value + sign * right.value, left.unit, left.calendar)
    one, other = unit_of(left), unit_of(right)
    if one is None or other is None or one.dimensions != other.dimensions:
        return None
    if one.curve is not None or other.curve is not None:
        return None
    finer, unit = (left, one) if one.factor <= other.factor else (right, other)
    total = Fraction(left.value) * one.factor + sign * Fraction(right.value) * other.factor
    return Quantity(as_decimal(total / unit.factor), finer.unit, finer.calendar)


def multiply(left: Quantity, right: Quantity) -> Quantity | None:
    """The product, in base units unless one side is a plain number."""
    return _combined(left, right, 1)


def divide(left: Quantity, right: Quantity) -> Quantity | None:
    """The quotient; None for a divisor of zero."""
    return _combined(left, right, -1) if right.value else None


def _combined(left: Quantity, right: Quantity, sign: int) -> Quantity | None:
    value = left.value * right.value if sign > 0 else left.value / right.value
    if right.unit == "1":
        return Quantity(value, left.unit, left.calendar)
    if left.unit == "1" and sign > 0:
        return Quantity(value, right.unit, right.calendar)
    one, other = unit_of(left), unit_of(right)
    if one is None or other is None or one.curve is not None or other.curve is not None:
        return None
    unit = multiplied(one, other, sign)
    return Quantity(as_decimal(Fraction(value) * unit.factor), unit.base_code)


def as_decimal(value: Fraction) -> Decimal:
    """The number with up to 28 digits."""
    return Decimal(value.numerator) / Decimal(value.denominator)
