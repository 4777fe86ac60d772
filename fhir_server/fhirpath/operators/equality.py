"""Equality and equivalence: `=` `!=` `~` `!~`.

Source: FHIRPath N1 §6.1 http://hl7.org/fhirpath/N1/#equality
"""

from collections.abc import Iterable, Mapping
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from fhir_server.fhirpath import temporal, units
from fhir_server.fhirpath.budget import PAIRS_SHIFT
from fhir_server.fhirpath.operators.operator import BinaryOperator
from fhir_server.fhirpath.quantity import Quantity
from fhir_server.fhirpath.temporal import Temporal, parse_datetime
from fhir_server.fhirpath.values import Items, TypedValue, system

_NUMBERS = (int, Decimal)


def equal_items(left: Any, right: Any) -> bool | None:
    """Whether two items are equal; None where precision leaves it open."""
    left, right = system(left), system(right)
    kind = type(left)
    if kind is type(right):
        return _equal_alike(left, right)
    if left is None or right is None:
        return None
    if kind in _NUMBERS and type(right) in _NUMBERS:
        return bool(left == right)
    if kind is Quantity and type(right) in _NUMBERS:
        return units.equal(left, Quantity(Decimal(right), "1"))
    if type(right) is Quantity and kind in _NUMBERS:
        return units.equal(Quantity(Decimal(left), "1"), right)
    return False


def _equal_alike(left: Any, right: Any) -> bool | None:
    kind = type(left)
    if kind is Temporal:
        return temporal.equal(left, right)
    if kind is Quantity:
        return units.equal(left, right)
    if kind is TypedValue:
        return equal_json(left.value, right.value)
    return bool(left == right)


def equal_json(left: Any, right: Any) -> bool | None:
    """Elements are equal when their children are, in their order.

    Text that reads as two dates with time in different zones is compared on the time line.
    """
    if left == right:
        return True
    kind = type(left)
    if kind is not type(right):
        return False
    if kind is dict:
        return _equal_members(left, right) if left.keys() == right.keys() else False
    if kind is list:
        if len(left) != len(right):
            return False
        return _all_equal(equal_json(a, b) for a, b in zip(left, right, strict=True))
    if kind is str and left[10:11] == "T" == right[10:11]:
        one, other = parse_datetime(left), parse_datetime(right)
        if one is not None and other is not None:
            return temporal.equal(one, other)
    return False


def same_objects(left: dict[str, Any], right: dict[str, Any]) -> bool:
    """Whether two JSON objects are equal as elements; open counts as different."""
    if left == right:
        return True
    return left.keys() == right.keys() and _equal_members(left, right) is True


def _equal_members(left: dict[str, Any], right: dict[str, Any]) -> bool | None:
    is_open = False
    for key, value in left.items():
        other = right[key]
        if value != other:
            if type(value) is str and value[10:11] != "T":
                return False
            answer = equal_json(value, other)
            if answer is False:
                return False
            is_open = is_open or answer is None
    return None if is_open else True


def _all_equal(answers: Iterable[bool | None]) -> bool | None:
    is_open = False
    for answer in answers:
        if answer is False:
            return False
        is_open = is_open or answer is None
    return None if is_open else True


def equal(left: Items, right: Items) -> bool | None:
    """`=` between collections: None where either is empty; order counts."""
    if not left or not right:
        return None
    if len(left) != len(right):
        return False
    if len(left) == 1:
        return equal_items(left[0], right[0])
    return _all_equal(equal_items(a, b) for a, b in zip(left, right, strict=True))


def equivalent_items(left: Any, right: Any) -> bool:
    """Whether two items are equivalent: but for case, spaces and digits beyond the lesser precision."""
    left, right = system(left), system(right)
    kind, other = type(left), type(right)
    if kind is str and other is str:
        return normal(left) == normal(right)
    if kind in _NUMBERS and other in _NUMBERS:
        return equivalent_numbers(Decimal(left), Decimal(right))
    if kind is Quantity and other in _NUMBERS:
        right, other = Quantity(Decimal(right), "1"), Quantity
    elif other is Quantity and kind in _NUMBERS:
        left, kind = Quantity(Decimal(left), "1"), Quantity
    if kind is not other:
        return False
    if kind is Temporal:
        return temporal.equivalent(left, right)
    if kind is Quantity:
        return units.equivalent(left, right)
    if kind is TypedValue:
        return _equivalent_json(left.value, right.value)
    return bool(left == right)


def normal(text: str) -> str:
    """Text for equivalence: lower case, runs of white space as one space."""
    return " ".join(text.casefold().split())


def equivalent_numbers(left: Decimal, right: Decimal) -> bool:
    """Equal when rounded to the precision of the less precise, trailing zeros aside."""
    digits = min(decimals(left), decimals(right))
    step = Decimal(1).scaleb(-digits)
    try:
        return left.quantize(step, ROUND_HALF_UP) == right.quantize(step, ROUND_HALF_UP)
    except ArithmeticError:
        return left == right


def decimals(number: Decimal) -> int:
    """How many digits stand after the point, trailing zeros aside."""
    exponent = number.normalize().as_tuple().exponent
    return max(-exponent, 0) if isinstance(exponent, int) else 0


def _equivalent_json(left: Any, right: Any) -> bool:
    if isinstance(left, dict) and isinstance(right, dict):
        keys = (left.keys() | right.keys()) - {"id"}
        return all(k in left and k in right and _equivalent_json(left[k], right[k]) for k in keys)
    if isinstance(left, list) and isinstance(right, list):
        return _same_in_any_order(left, right, _equivalent_json)
    if isinstance(left, dict | list) or isinstance(right, dict | list):
        return False
    if left is None or right is None:
        return left is right
    return equivalent_items(left, right)


def _same_in_any_order(left: list[Any], right: list[Any], same: Any) -> bool:
    if len(left) != len(right):
        return False
    pending = list(right)
    for item in left:
        at = next((i for i, other in enumerate(pending) if same(item, other)), None)
        if at is None:
            return False
        del pending[at]
    return True


def equivalent(left: Items, right: Items) -> bool:
    """`~` between collections: two empty ones are equivalent, order does not count."""
    return _same_in_any_order(left, right, equivalent_items)


def _answer(value: bool | None) -> Items:  # noqa: FBT001 — the value is the subject
    return [] if value is None else [value]


def _not(value: bool | None) -> bool | None:  # noqa: FBT001 — the value is the subject
    return None if value is None else not value


def _in_turn(left: Items, right: Items) -> int:
    return min(len(left), len(right))


def _each_with_each(left: Items, right: Items) -> int:
    return len(left) * len(right) >> PAIRS_SHIFT


OPERATORS: Mapping[str, BinaryOperator] = {
    "=": BinaryOperator(lambda left, right: _answer(equal(left, right)), cost=_in_turn),
    "!=": BinaryOperator(lambda left, right: _answer(_not(equal(left, right))), cost=_in_turn),
    "~": BinaryOperator(lambda left, right: [equivalent(left, right)], cost=_each_with_each),
    "!~": BinaryOperator(lambda left, right: [not equivalent(left, right)], cost=_each_with_each),
}
