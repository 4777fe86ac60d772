"""Mathematics.

Source: FHIRPath N1 §5.7 http://hl7.org/fhirpath/N1/#math
"""

from collections.abc import Callable
from decimal import ROUND_CEILING, ROUND_DOWN, ROUND_FLOOR, ROUND_HALF_UP, Decimal

from fhir_server.fhirpath.errors import execution_error
from fhir_server.fhirpath.functions.registry import on_item
from fhir_server.fhirpath.operators.math import ARITHMETIC
from fhir_server.fhirpath.quantity import Quantity

Number = int | Decimal
MAX_DIGITS = 1_000
"""Most digits of a power."""


@on_item("abs", "abs-integer-decimal-quantity", takes="measure", returns=None)
def absolute(value: Number | Quantity) -> Number | Quantity:
    """Without its sign."""
    if isinstance(value, Quantity):
        return Quantity(value.value.copy_abs(), value.unit, value.calendar)
    return value.copy_abs() if isinstance(value, Decimal) else abs(value)


def _rounded(value: Number, rounding: str) -> int | None:
    number = Decimal(value)
    # A power may have a million digits, which an integer would write out.
    return int(number.to_integral_value(rounding)) if number.adjusted() < MAX_DIGITS else None


@on_item("ceiling", "ceiling-integer", takes="number", returns="Integer")
def ceiling(value: Number) -> int | None:
    """The next integer up."""
    return _rounded(value, ROUND_CEILING)


@on_item("floor", "floor-integer", takes="number", returns="Integer")
def floor(value: Number) -> int | None:
    """The next integer down."""
    return _rounded(value, ROUND_FLOOR)


@on_item("truncate", "truncate-integer", takes="number", returns="Integer")
def truncate(value: Number) -> int | None:
    """The integer part."""
    return _rounded(value, ROUND_DOWN)


@on_item("round", "roundprecision-integer-decimal", takes="number", returns="Decimal",
         arguments=("integer",), optional=1)  # fmt: skip
def rounded(value: Number, precision: int = 0) -> Decimal | None:
    """Half up, to a number of digits after the point."""
    if precision < 0:
        raise execution_error("fhirpath-wrong-argument", operation="round()", found=precision)
    number = Decimal(value)
    if number.is_finite() and -int(number.as_tuple().exponent) <= precision:
        return number
    return _computed(lambda: number.quantize(Decimal(1).scaleb(-precision), ROUND_HALF_UP))


def _computed(compute: Callable[[], Decimal]) -> Decimal | None:
    """The result; None where there is no such number."""
    try:
        result = compute()
    except (ArithmeticError, ValueError):
        return None
    return result if result.is_finite() else None


@on_item("exp", "exp-decimal", takes="number", returns="Decimal")
def exponential(value: Number) -> Decimal | None:
    """E to the power of the value."""
    return _computed(lambda: ARITHMETIC.exp(value)) if abs(Decimal(value)) < MAX_DIGITS else None


@on_item("ln", "ln-decimal", takes="number", returns="Decimal")
def natural_logarithm(value: Number) -> Decimal | None:
    """The natural logarithm; empty for what is not above zero."""
    return _computed(lambda: ARITHMETIC.ln(value))


@on_item("log", "logbase-decimal-decimal", takes="number", returns="Decimal", arguments=("number",))
def logarithm(value: Number, base: Number) -> Decimal | None:
    """The logarithm to a base."""
    if base <= 0:
        return None
    ratio = _computed(lambda: ARITHMETIC.divide(ARITHMETIC.ln(value), ARITHMETIC.ln(base)))
    # The quotient of two rounded logarithms: the last digits are noise.
    return None if ratio is None else ratio.quantize(Decimal("1e-20")).normalize() + Decimal("0.0")


@on_item("sqrt", "sqrt-decimal", takes="number", returns="Decimal")
def square_root(value: Number) -> Decimal | None:
    """The square root; empty for what is below zero."""
    return _computed(lambda: ARITHMETIC.sqrt(value))


@on_item("power", "powerexponent-integer-decimal-integer-decimal", takes="number", returns=None,
         arguments=("number",))  # fmt: skip
def power(value: Number, exponent: Number) -> Number | None:
    """The value to a power; an integer where both are and the power is not below zero."""
    if isinstance(value, int) and isinstance(exponent, int) and exponent >= 0:
        digits = len(str(abs(value))) * exponent
        return int(value**exponent) if digits <= MAX_DIGITS else None
    return _computed(lambda: ARITHMETIC.power(Decimal(value), Decimal(exponent)))
