"""Date parameters: a value covers a range of instants, and so does what is searched.

Source: FHIR R4 §3.1.1.4.7, https://hl7.org/fhir/R4/search.html#date
"""

from collections.abc import Iterable
from datetime import tzinfo
from typing import Any

from fhir_server.model.dates import (
    EARLIEST,
    LATEST,
    InstantRange,
    as_meant,
    instant_range,
    instant_us,
)
from fhir_server.search.criteria import Criterion
from fhir_server.search.parameters import SearchParameter
from fhir_server.search.predicates import AnyOf, Comparator, InRange, Predicate, Updated
from fhir_server.search.rows import IndexRows, TypedValue
from fhir_server.search.values import split_comparator

_APPROXIMATE = 10
"""`ap` widens by a tenth of the gap between the date and now, as R4 recommends."""


def extract(
    parameter: SearchParameter, values: Iterable[TypedValue], rows: IndexRows, zone: tzinfo
) -> bool:
    """Add the ranges of the values; whether there were any. What is no date is left out."""
    before = len(rows.dates)
    for item in values:
        kind, value = item.type, item.value
        covered = covered_range(kind, value, zone)
        if covered is not None:
            rows.dates.append((parameter.hash, covered.low, covered.high))
    return len(rows.dates) > before


def covered_range(kind: str, value: Any, zone: tzinfo) -> InstantRange | None:
    """What a date, dateTime, instant, Period or Timing covers."""
    try:
        if isinstance(value, str):
            return instant_range(value, zone)
        if kind == "Period":
            return _period(value, zone)
        if kind == "Timing":
            return _timing(value, zone)
    except ValueError:
        return None
    return None


def _period(value: dict[str, Any], zone: tzinfo) -> InstantRange | None:
    start, end = value.get("start"), value.get("end")
    if start is None and end is None:
        return None
    low = EARLIEST if start is None else instant_range(start, zone).low
    high = LATEST if end is None else instant_range(end, zone).high
    return InstantRange(low, high) if low <= high else None


def _timing(value: dict[str, Any], zone: tzinfo) -> InstantRange | None:
    """R4: "the specified scheduling details are ignored and only the outer limits matter"."""
    ranges = [instant_range(event, zone) for event in value.get("event", ()) if event]
    bounds = value.get("repeat", {}).get("boundsPeriod")
    limits = _period(bounds, zone) if bounds is not None else None
    if limits is not None:
        ranges.append(limits)
    if not ranges:
        return None
    return InstantRange(min(r.low for r in ranges), max(r.high for r in ranges))


def predicate(criterion: Criterion) -> Predicate:
    """What the values ask for. Errors: Refused(400)."""
    if criterion.modifier is not None:
        raise criterion.bad_modifier()
    found: list[Predicate] = []
    for value in criterion.values:
        comparator, low, high = _asked(criterion, value)
        if criterion.parameters[0].code == "_lastUpdated":
            found.append(Updated(comparator, low, high))
        else:
            found.append(
                InRange("date", criterion.hashes, comparator, low, high, 0, criterion.is_single)
            )
    return found[0] if len(found) == 1 else AnyOf(tuple(found))


def _asked(criterion: Criterion, value: str) -> tuple[Comparator, int, int]:
    comparator, text = split_comparator(value)
    if comparator is None:
        raise criterion.bad_value(value, "comparator")
    try:
        low, high = instant_range(as_meant(text.strip()), criterion.setting.zone)
    except ValueError:
        raise criterion.bad_value(value, "date") from None
    if comparator == "ap":
        margin = abs(instant_us(criterion.setting.moment) - (low + high) // 2) // _APPROXIMATE
        return comparator, low - margin, high + margin
    return comparator, low, high
