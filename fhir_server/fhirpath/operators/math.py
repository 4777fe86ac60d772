"""Arithmetic: `+` `-` `*` `/` `div` `mod` `&` and polarity.

Source: FHIRPath N1 §6.6 http://hl7.org/fhirpath/N1/#math-2
"""

from collections.abc import Callable, Mapping
from decimal import Context, Decimal
from typing import Any

from fhir_server.fhirpath import temporal, units
from fhir_server.fhirpath.errors import execution_error
from fhir_server.fhirpath.fragment import single
from fhir_server.fhirpath.operators.operator import BinaryOperator, same_numbers
from fhir_server.fhirpath.quantity import UCUM_TO_CALENDAR, Quantity
from fhir_server.fhirpath.temporal import CALENDAR_UNITS, Temporal
from fhir_server.fhirpath.values import Items, system, type_name

ARITHMETIC = Context(prec=34)
"""Digits in arithmetic; the specification asks for 28 and 8 after the point."""

_NUMBERS = (int, Decimal)
_LEAST, _GREATEST = -(2**31), 2**31 - 1
"""The range of Integers (FHIRPath N1 §4.1.3)."""
Value = Any


def _wrong(symbol: str, left: Value, right: Value) -> Exception:
    return execution_error(
        "fhirpath-no-operation", operation=symbol, left=type_name(left), right=type_name(right)
    )


def _plus(left: Value, right: Value) -> Value:
    if type(left) in _NUMBERS and type(right) in _NUMBERS:
        return _number(ARITHMETIC.add(left, right), left, right)
    if type(left) is str and type(right) is str:
        return left + right
    if type(left) is Temporal and type(right) is Quantity:
        return _moved(left, right, 1)
    if Quantity in {type(left), type(right)}:
        return units.add(*_quantities("+", left, right), 1)
    raise _wrong("+", left, right)


def _minus(left: Value, right: Value) -> Value:
    if type(left) in _NUMBERS and type(right) in _NUMBERS:
        return _number(ARITHMETIC.subtract(left, right), left, right)
    if type(left) is Temporal and type(right) is Quantity:
        return _moved(left, right, -1)
    if Quantity in {type(left), type(right)}:
        return units.add(*_quantities("-", left, right), -1)
    raise _wrong("-", left, right)


def _moved(value: Temporal, amount: Quantity, sign: int) -> Temporal | None:
    unit = amount.unit if amount.calendar else CALENDAR_UNITS.get(amount.unit)
    if unit is None:
        unit = UCUM_TO_CALENDAR.get(amount.unit)
        # A UCUM year or month is a mean length, no calendar step (FHIRPath N1 §6.6.7).
        if unit is None or unit in {"year", "month"}:
            raise execution_error("fhirpath-no-duration", unit=amount.unit)
    return temporal.add(value, sign * amount.value, unit)


def _times(left: Value, right: Value) -> Value:
    if type(left) in _NUMBERS and type(right) in _NUMBERS:
        return _number(ARITHMETIC.multiply(left, right), left, right)
    if Quantity in {type(left), type(right)}:
        return units.multiply(*_quantities("*", left, right))
    raise _wrong("*", left, right)


def _divided(left: Value, right: Value) -> Value:
    if type(left) in _NUMBERS and type(right) in _NUMBERS:
        return ARITHMETIC.divide(Decimal(left), Decimal(right)) if right else None
    if Quantity in {type(left), type(right)}:
        return units.divide(*_quantities("/", left, right))
    raise _wrong("/", left, right)


def _quantities(symbol: str, left: Value, right: Value) -> tuple[Quantity, Quantity]:
    """Both sides; a number counts as a quantity in the unit `1` (FHIRPath N1 §5.5)."""
    one, other = _as_quantity(left), _as_quantity(right)
    if one is None or other is None:
        raise _wrong(symbol, left, right)
    return one, other


def _as_quantity(value: Value) -> Quantity | None:
    if type(value) in _NUMBERS:
        return Quantity(Decimal(value), "1")
    return value if type(value) is Quantity else None


def _div(left: Value, right: Value) -> Value:
    if type(left) not in _NUMBERS or type(right) not in _NUMBERS:
        raise _wrong("div", left, right)
    if not right:
        return None
    return int(ARITHMETIC.divide_int(Decimal(left), Decimal(right)))


def _mod(left: Value, right: Value) -> Value:
    if type(left) not in _NUMBERS or type(right) not in _NUMBERS:
        raise _wrong("mod", left, right)
    if not right:
        return None
    return _number(ARITHMETIC.remainder(Decimal(left), Decimal(right)), left, right)


def _number(value: Decimal, left: Value, right: Value) -> Value:
    """The result of a calculation; of Integers nothing beyond their range (FHIRPath N1 §6.6)."""
    if type(left) is not int or type(right) is not int:
        return value
    return int(value) if _LEAST <= value <= _GREATEST else None


def _operator(symbol: str, compute: Callable[[Value, Value], Value]) -> BinaryOperator:
    def apply(left: Items, right: Items) -> Items:
        one, other = single(left, symbol), single(right, symbol)
        if one is None or other is None:
            return []
        try:
            result = compute(one, other)
        except ArithmeticError:
            return []
        return [] if result is None else [result]

    return BinaryOperator(
        apply,
        same_numbers if symbol in {"+", "-", "*"} else _unknown,
        makes_text=symbol == "+",
    )


def _unknown(_left: Any, _right: Any) -> None:
    return None


def _concatenated(left: Items, right: Items) -> Items:
    """`&`: text, where empty counts as no text. Source: FHIRPath N1 §6.6.8."""
    texts = [_text(single(side, "&")) for side in (left, right)]
    return ["".join(texts)]


def _text(value: Value) -> str:
    if value is None:
        return ""
    if type(value) is not str:
        raise execution_error(
            "fhirpath-wrong-type", operation="&", wanted="String", found=type_name(value)
        )
    return value


def _turned(number: Value) -> Value:
    """The sign turned without rounding to the context's digits."""
    return number.copy_negate() if type(number) is Decimal else -number


def negated(items: Items, sign: str) -> Items:
    """Polarity: a number or quantity, its sign kept or turned."""
    if not items:
        return []
    value = single(items, sign)
    if value is None:
        return []
    if type(value) in _NUMBERS:
        return [_turned(value) if sign == "-" else value]
    if type(value) is Quantity:
        return [
            Quantity(_turned(value.value), value.unit, value.calendar) if sign == "-" else value
        ]
    raise execution_error(
        "fhirpath-wrong-type",
        operation=sign,
        wanted="Integer, Decimal",
        found=type_name(system(value)),
    )


OPERATORS: Mapping[str, BinaryOperator] = {
    "+": _operator("+", _plus),
    "-": _operator("-", _minus),
    "*": _operator("*", _times),
    "/": _operator("/", _divided),
    "div": _operator("div", _div),
    "mod": _operator("mod", _mod),
    "&": BinaryOperator(_concatenated, lambda _left, _right: ("System.String",), makes_text=True),
}
