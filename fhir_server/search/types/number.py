"""Number parameters. A searched number stands for the range that its digits leave open.

`100` asks for [99.5, 100.5), `100.00` for [99.995, 100.005); with `gt`, `lt`, `ge`, `le`, `sa` and `eb`
the number counts as exact. A number in a resource is a point.

Source: FHIR R4 §3.1.1.4.6, https://hl7.org/fhir/R4/search.html#number
"""

import re
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from fhir_server.search.criteria import Criterion
from fhir_server.search.parameters import SearchParameter
from fhir_server.search.predicates import AnyOf, Comparator, InRange, Predicate
from fhir_server.search.rows import IndexRows, TypedValue
from fhir_server.search.values import split_comparator

INFINITY = Decimal("Infinity")
_NUMBER = re.compile(r"[-+]?\d{1,40}(?:\.\d{1,40})?(?:[eE][-+]?\d{1,3})?", re.ASCII)
_APPROXIMATE = Decimal("0.1")
_HALF = Decimal("0.5")


def extract(parameter: SearchParameter, values: Iterable[TypedValue], rows: IndexRows) -> bool:
    """Add the points, and the limits of a Range; whether there were any."""
    before = len(rows.numbers)
    for item in values:
        limits = limits_of(item.value)
        if limits is not None:
            rows.numbers.append((parameter.hash, *limits))
    return len(rows.numbers) > before


def limits_of(value: Any) -> tuple[Decimal, Decimal] | None:
    """A point, or the limits of a Range; None for anything else."""
    if isinstance(value, dict):
        low, high = value.get("low", {}).get("value"), value.get("high", {}).get("value")
        if low is None and high is None:
            return None
        return as_decimal(low, -INFINITY), as_decimal(high, INFINITY)
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        point = Decimal(value)
        return point, point
    return None


def as_decimal(value: int | Decimal | None, missing: Decimal) -> Decimal:
    """A JSON number as Decimal, or what stands for a missing one."""
    return missing if value is None else Decimal(value)


def predicate(criterion: Criterion) -> Predicate:
    """What the values ask for. Errors: Refused(400)."""
    if criterion.modifier is not None:
        raise criterion.bad_modifier()
    found: list[Predicate] = []
    for value in criterion.values:
        comparator, low, high = asked_range(criterion, value, value)
        found.append(
            InRange("number", criterion.hashes, comparator, low, high, 0, criterion.is_single)
        )
    return found[0] if len(found) == 1 else AnyOf(tuple(found))


def asked_range(
    criterion: Criterion, value: str, number: str
) -> tuple[Comparator, Decimal, Decimal]:
    """The comparator of a number and the range it asks for; `value` is the whole value, for messages."""
    comparator, text = split_comparator(number)
    if comparator is None:
        raise criterion.bad_value(value, "comparator")
    if _NUMBER.fullmatch(text.strip()) is None:
        raise criterion.bad_value(value, "number")
    point = Decimal(text.strip())
    if comparator in {"eq", "ne"}:
        exponent = point.as_tuple().exponent
        margin = _HALF.scaleb(int(exponent))
        return comparator, point - margin, point + margin
    if comparator == "ap":
        margin = abs(point) * _APPROXIMATE
        return comparator, point - margin, point + margin
    return comparator, point, point
