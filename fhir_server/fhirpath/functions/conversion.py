"""Conversion.

Source: FHIRPath N1 §5.5 http://hl7.org/fhirpath/N1/#conversion
"""

import re
from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from fhir_server.fhirpath import units
from fhir_server.fhirpath.errors import execution_error
from fhir_server.fhirpath.fragment import Context, Fragment, boolean, single
from fhir_server.fhirpath.functions.registry import compiled
from fhir_server.fhirpath.quantity import Quantity
from fhir_server.fhirpath.scope import Scope
from fhir_server.fhirpath.syntax import Call
from fhir_server.fhirpath.temporal import (
    CALENDAR_UNITS,
    Temporal,
    as_datetime,
    parse_date,
    parse_datetime,
    parse_time,
)
from fhir_server.fhirpath.values import Items, TypedValue, type_name

if TYPE_CHECKING:
    from fhir_server.fhirpath.compiler import Compiler

_TRUE = frozenset({"true", "t", "yes", "y", "1", "1.0"})
_FALSE = frozenset({"false", "f", "no", "n", "0", "0.0"})
_INTEGER = re.compile(r"[+-]?[0-9]{1,1000}")
_DECIMAL = re.compile(r"[+-]?[0-9]{1,1000}(\.[0-9]{1,1000})?")
_QUANTITY = re.compile(
    r"(?P<value>[+-]?[0-9]{1,1000}(?:\.[0-9]{1,1000})?)\s*(?:'(?P<unit>[^']+)'|(?P<word>[a-zA-Z]+))?"
)
MAX_INTEGER = 2**31 - 1
"""Integers have 32 bits. Source: FHIRPath N1 §4.1.3."""


@compiled("iif", "iifcriterion-expression-true-result-collection-otherwise-result-collection-collection",
          arguments=(2, 3))  # fmt: skip
def compile_iif(compiler: "Compiler", call: Call, source: Fragment, context: Context) -> Fragment:
    """One of two results; only the chosen one is evaluated. `$this` is the input, where there is one."""
    inner = context if call.target is None else Context(source.types)
    parts = [compiler.compile(argument, inner) for argument in call.arguments]
    criterion, then = parts[0].run, parts[1].run
    otherwise = parts[2].run if len(parts) > 2 else None
    items_of = source.run
    is_strict = not compiler.lenient

    def run(this: Any, scope: Scope) -> Items:
        items = items_of(this, scope)
        if len(items) > 1:
            raise execution_error("fhirpath-singleton", operation="iif()", found=len(items))
        focus = items[0] if items else this
        answer = criterion(focus, scope)
        if is_strict and answer and type(chosen := single(answer, "iif()")) is not bool:
            raise execution_error(
                "fhirpath-wrong-type", operation="iif()", wanted="Boolean", found=type_name(chosen)
            )
        if boolean(answer, "iif()"):
            return then(focus, scope)
        return otherwise(focus, scope) if otherwise else []

    types = None if otherwise and parts[1].types != parts[2].types else parts[1].types
    return Fragment(run, types, note="function iif", parts=(source, *parts))


def to_boolean(value: Any) -> bool | None:
    """§5.5.2."""
    if type(value) is bool:
        return value
    if type(value) in {int, Decimal}:
        return {0: False, 1: True}.get(value)
    if type(value) is str:
        text = value.lower()
        return True if text in _TRUE else False if text in _FALSE else None
    return None


def to_integer(value: Any) -> int | None:
    """§5.5.3."""
    if type(value) in {int, bool}:
        return int(value)
    if type(value) is str and _INTEGER.fullmatch(value):
        number = int(value)
        return number if -MAX_INTEGER - 1 <= number <= MAX_INTEGER else None
    return None


def to_decimal(value: Any) -> Decimal | None:
    """§5.5.6."""
    if type(value) is Decimal:
        return value
    if type(value) in {int, bool}:
        return Decimal(int(value)) if type(value) is int else Decimal("1.0" if value else "0.0")
    return Decimal(value) if type(value) is str and _DECIMAL.fullmatch(value) else None


def to_text(value: Any) -> str | None:
    """§5.5.7."""
    if type(value) is bool:
        return "true" if value else "false"
    if type(value) is Decimal:
        return f"{value:f}"
    return str(value) if type(value) in {str, int, Temporal, Quantity} else None


def to_date(value: Any) -> Temporal | None:
    """§5.5.4."""
    if type(value) is Temporal and value.kind != "Time":
        return Temporal("Date", value.parts[:3])
    if type(value) is not str:
        return None
    moment = parse_date(value) or (parse_datetime(value) if "T" in value else None)
    return Temporal("Date", moment.parts[:3]) if moment else None


def to_datetime(value: Any) -> Temporal | None:
    """§5.5.5."""
    if type(value) is Temporal and value.kind != "Time":
        return as_datetime(value)
    return parse_datetime(value) if type(value) is str else None


def to_time(value: Any) -> Temporal | None:
    """§5.5.9."""
    if type(value) is Temporal and value.kind == "Time":
        return value
    return parse_time(value) if type(value) is str else None


def to_quantity(value: Any) -> Quantity | None:
    """§5.5.8."""
    if type(value) is Quantity:
        return value
    if type(value) in {int, Decimal}:
        return Quantity(Decimal(value), "1")
    if type(value) is bool:
        return Quantity(Decimal("1.0" if value else "0.0"), "1")
    match = _QUANTITY.fullmatch(value) if type(value) is str else None
    if match is None:
        return None
    number = Decimal(match["value"])
    if match["word"]:
        unit = CALENDAR_UNITS.get(match["word"])
        return Quantity(number, unit, calendar=True) if unit else None
    return Quantity(number, match["unit"] or "1")


def _declare(target: str, section: str, convert: Callable[[Any], Any]) -> None:
    returns = (f"System.{target}",)

    def compile_to(
        _compiler: "Compiler", _call: Call, source: Fragment, _context: Context
    ) -> Fragment:
        items_of = source.run

        def run(this: Any, scope: Scope) -> Items:
            value = single(items_of(this, scope), f"to{target}()")
            result = None if value is None or type(value) is TypedValue else convert(value)
            return [] if result is None else [result]

        return Fragment(run, returns, note=f"function to{target}", parts=(source,))

    def compile_converts(
        _compiler: "Compiler", _call: Call, source: Fragment, _context: Context
    ) -> Fragment:
        items_of = source.run

        def run(this: Any, scope: Scope) -> Items:
            value = single(items_of(this, scope), f"convertsTo{target}()")
            if value is None:
                return []
            return [type(value) is not TypedValue and convert(value) is not None]

        return Fragment(
            run, ("System.Boolean",), note=f"function convertsTo{target}", parts=(source,)
        )

    compiled(f"to{target}", section)(compile_to)
    compiled(f"convertsTo{target}", section)(compile_converts)


def _to_quantity_in(
    compiler: "Compiler", call: Call, source: Fragment, context: Context
) -> Fragment:
    """`toQuantity(unit)`: converted to the unit, where there is one."""
    if not call.arguments:
        return _plain_to_quantity(compiler, call, source, context)
    items_of, unit_of = source.run, compiler.compile(call.arguments[0], context).run

    def run(this: Any, scope: Scope) -> Items:
        value = single(items_of(this, scope), "toQuantity()")
        unit = single(unit_of(this, scope), "toQuantity()")
        quantity = None if value is None else to_quantity(value)
        if quantity is None or type(unit) is not str:
            return []
        converted = units.convert(quantity, unit)
        return [] if converted is None else [converted]

    return Fragment(run, ("System.Quantity",), note="function toQuantity", parts=(source,))


def _plain_to_quantity(
    _compiler: "Compiler", _call: Call, source: Fragment, _context: Context
) -> Fragment:
    items_of = source.run

    def run(this: Any, scope: Scope) -> Items:
        value = single(items_of(this, scope), "toQuantity()")
        quantity = None if value is None else to_quantity(value)
        return [] if quantity is None else [quantity]

    return Fragment(run, ("System.Quantity",), note="function toQuantity", parts=(source,))


_declare("Boolean", "boolean-conversion-functions", to_boolean)
_declare("Integer", "integer-conversion-functions", to_integer)
_declare("Decimal", "decimal-conversion-functions", to_decimal)
_declare("String", "string-conversion-functions", to_text)
_declare("Date", "date-conversion-functions", to_date)
_declare("DateTime", "datetime-conversion-functions", to_datetime)
_declare("Time", "time-conversion-functions", to_time)
_declare("Quantity", "quantity-conversion-functions", to_quantity)
compiled("toQuantity", "toquantityunit-string-quantity", arguments=(0, 1))(_to_quantity_in)
