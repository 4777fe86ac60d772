"""Comparison: `<` `<=` `>` `>=`.

Source: FHIRPath N1 §6.2 http://hl7.org/fhirpath/N1/#comparison
"""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from fhir_server.fhirpath import temporal, units
from fhir_server.fhirpath.errors import execution_error
from fhir_server.fhirpath.fragment import single
from fhir_server.fhirpath.operators.operator import BinaryOperator
from fhir_server.fhirpath.quantity import Quantity
from fhir_server.fhirpath.temporal import Temporal
from fhir_server.fhirpath.values import Items, type_name

_NUMBERS = (int, Decimal)


def order(left: Any, right: Any) -> int | None:
    """-1, 0 or 1 between two System values; None where it is open. Errors: FHIRPathError without order."""
    kind, other = type(left), type(right)
    if (kind is str and other is str) or (kind in _NUMBERS and other in _NUMBERS):
        return int(left > right) - int(left < right)
    if kind is Temporal and other is Temporal and (left.kind == "Time") == (right.kind == "Time"):
        return temporal.compare(left, right)
    if kind is Quantity and other in _NUMBERS:
        return units.compare(left, Quantity(Decimal(right), "1"))
    if kind in _NUMBERS and other is Quantity:
        return units.compare(Quantity(Decimal(left), "1"), right)
    if kind is Quantity and other is Quantity:
        return units.compare(left, right)
    raise execution_error("fhirpath-no-order", left=type_name(left), right=type_name(right))


def _compared(accept: Callable[[int], bool], symbol: str) -> BinaryOperator:
    def apply(left: Items, right: Items) -> Items:
        one, other = single(left, symbol), single(right, symbol)
        if one is None or other is None:
            return []
        outcome = order(one, other)
        return [] if outcome is None else [accept(outcome)]

    return BinaryOperator(apply)


OPERATORS: Mapping[str, BinaryOperator] = {
    "<": _compared(lambda outcome: outcome < 0, "<"),
    "<=": _compared(lambda outcome: outcome <= 0, "<="),
    ">": _compared(lambda outcome: outcome > 0, ">"),
    ">=": _compared(lambda outcome: outcome >= 0, ">="),
}
