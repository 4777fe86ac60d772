"""Least and greatest values: numbers, dates of any precision, times, quantities.

Of dates an error is said only where no moment that the value may mean is within the bound: `2020` does not
break a minimum of `2020-06-01`. A duration as the bound of a date counts from now. Quantities compare in
canonical units; those that do not measure the same are not compared.

Source: FHIR R4 ElementDefinition minValue[x] and maxValue[x],
https://hl7.org/fhir/R4/elementdefinition-definitions.html#ElementDefinition.minValue_x_
"""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from fhir_server.fhirpath import quantity, temporal, units
from fhir_server.model.dates import InstantRange, instant_range
from fhir_server.validation.check import Check
from fhir_server.validation.element import Element
from fhir_server.validation.inspection import Inspection
from fhir_server.validation.items import Item
from fhir_server.validation.report import shown

_HOUR = 3_600_000_000
_NUMBERS = (int, Decimal)


def compile_bounds(element: Element) -> list[Check]:
    """The fast check of the bounds of an element's values; none where it has none."""
    if not element.bounds:
        return []
    return [lambda value, _scope, _place: is_within_bounds(element, value)]


def is_within_bounds(element: Element, value: Any) -> bool:
    """Whether a value is within the bounds of its element."""
    return next(_broken(element, value), None) is None


def explain_bounds(element: Element, item: Item, case: Inspection) -> None:
    """The detailed check."""
    for issue_id, bound in _broken(element, item.value):
        case.report.error(issue_id, "invalid", item.location, element.profile,
                          bound=_in_words(bound), found=_in_words(item.value))  # fmt: skip


def _broken(element: Element, value: Any) -> Iterator[tuple[str, Any]]:
    for key, bound in element.bounds:
        is_minimum = key.startswith("minValue")
        fixed = _from_now(bound, is_minimum=is_minimum) if isinstance(value, str) else bound
        order = order_of(value, fixed)
        if order == -1 and is_minimum:
            yield "primitive-below-minimum", fixed
        if order == 1 and not is_minimum:
            yield "primitive-above-maximum", fixed


def order_of(value: Any, bound: Any) -> int | None:
    """-1 below, 0 at, 1 above; None where they do not compare, or not with certainty."""
    if isinstance(value, dict) and isinstance(bound, dict):
        left, right = quantity.from_fhir(value), quantity.from_fhir(bound)
        return None if left is None or right is None else units.compare(left, right)
    if isinstance(value, str) and isinstance(bound, str):
        return _order_in_time(value, bound)
    if (
        isinstance(value, bool)
        or not isinstance(value, _NUMBERS)
        or not isinstance(bound, _NUMBERS)
    ):
        return None
    return (value > bound) - (value < bound)


def _order_in_time(value: str, bound: str) -> int | None:
    clock, other = temporal.parse_time(value), temporal.parse_time(bound)
    if clock is not None and other is not None:
        return temporal.compare(clock, other)
    try:
        found, limit = instant_range(value), instant_range(bound)
    except ValueError:
        return None
    if _has_zone(value) is not _has_zone(bound):
        # A date without a time is that of some zone, from -12:00 to +14:00.
        found = found if _has_zone(value) else _of_any_zone(found)
        limit = limit if _has_zone(bound) else _of_any_zone(limit)
    if found.high < limit.low:
        return -1
    if found.low > limit.high:
        return 1
    return 0 if found == limit else None


def _has_zone(text: str) -> bool:
    return "T" in text


def _of_any_zone(covered: InstantRange) -> InstantRange:
    return InstantRange(covered.low - 14 * _HOUR, covered.high + 12 * _HOUR)


def _from_now(bound: Any, *, is_minimum: bool) -> Any:
    """The moment that a duration means: a minimum lies behind now, a maximum ahead."""
    amount = quantity.from_fhir(bound) if isinstance(bound, dict) else None
    word = quantity.UCUM_TO_CALENDAR.get(amount.unit, amount.unit) if amount is not None else ""
    unit = temporal.CALENDAR_UNITS.get(word)
    if amount is None or unit is None:
        return bound
    now = temporal.from_clock(temporal.clock_now(), "DateTime")
    moved = temporal.add(now, -amount.value if is_minimum else amount.value, unit)
    return bound if moved is None else str(moved)


def _in_words(value: Any) -> str:
    if isinstance(value, dict):
        return shown(f"{value.get('value')} {value.get('unit') or value.get('code') or ''}".strip())
    return shown(str(value))
