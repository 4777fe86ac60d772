"""What a collection holds while an expression runs.

An item is either an element of FHIR data, a `TypedValue`, or a value of a System type as Python has
it: bool, int, Decimal, str, `Temporal`, `Quantity`.

Source: FHIR R4 §2.9.2 “Using FHIR types in expressions” https://hl7.org/fhir/R4/fhirpath.html#types
"""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

import msgspec

from fhir_server.fhirpath.quantity import Quantity, from_fhir
from fhir_server.fhirpath.temporal import Temporal, parse_date, parse_datetime, parse_time

Items = list[Any]


class TypedValue(msgspec.Struct, frozen=True, gc=False):
    """A value and its type.

    Shape: `type` is a FHIR type name (`HumanName`, `code`, `Patient.contact`) or a System type
    (`System.String`); `value` the raw JSON, None for a primitive that has only extensions;
    `sibling` what JSON holds beside a primitive under `_name`.
    """

    type: str
    value: Any
    sibling: dict[str, Any] | None = None


def _decimal(value: Any) -> Any:
    return Decimal(value) if type(value) is int else value


def _parsed(parse: Callable[[str], Temporal | None]) -> Callable[[Any], Any]:
    def convert(value: Any) -> Any:
        if type(value) is not str:
            return value
        return parse(value) or value

    return convert


_FROM_FHIR: Mapping[str, Callable[[Any], Any]] = {
    "decimal": _decimal,
    "date": _parsed(parse_date),
    "dateTime": _parsed(parse_datetime),
    "instant": _parsed(parse_datetime),
    "time": _parsed(parse_time),
    **dict.fromkeys(
        ("Quantity", "Age", "Count", "Distance", "Duration", "MoneyQuantity", "SimpleQuantity"),
        from_fhir,
    ),
}


CONVERTED_TYPES = frozenset(_FROM_FHIR)
"""FHIR types whose JSON value is not yet the System value."""


def system(item: Any) -> Any:
    """The System value an item converts to; None for a primitive without value; other elements stay."""
    if type(item) is not TypedValue:
        return item
    convert = _FROM_FHIR.get(item.type)
    if convert is not None:
        return convert(item.value) if item.value is not None else None
    value = item.value
    return item if type(value) is dict else value


_SYSTEM_NAMES: Mapping[type, str] = {
    bool: "System.Boolean",
    int: "System.Integer",
    Decimal: "System.Decimal",
    str: "System.String",
    Quantity: "System.Quantity",
}


def type_name(item: Any) -> str:
    """The type of an item, System types with their namespace."""
    if type(item) is TypedValue:
        return item.type
    if type(item) is Temporal:
        return "System." + item.kind
    return _SYSTEM_NAMES[type(item)]


def raw(item: Any) -> Any:
    """The JSON value of an item."""
    if type(item) is TypedValue:
        return item.value
    if type(item) is Temporal:
        return str(item)
    if type(item) is Quantity:
        return item.to_fhir()
    return item


def typed(item: Any) -> TypedValue:
    """The item as a `TypedValue`, its value raw."""
    return item if type(item) is TypedValue else TypedValue(type_name(item), raw(item))
