"""Points in time on the fast lane: dates of the data, moved by calendar durations and compared.

Source: FHIRPath N1 §6.2 (comparison), §6.6.7 (date and time arithmetic)
"""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from fhir_server.fhirpath import temporal
from fhir_server.fhirpath.fast.paths import FastPath, UnsureError
from fhir_server.fhirpath.fast.truths import FastTruth
from fhir_server.fhirpath.temporal import Temporal

Moment = Callable[[Any], Temporal | None]
"""From a JSON value to a point in time; None stands for empty."""

_PARSERS = {
    "date": temporal.parse_date,
    "dateTime": temporal.parse_datetime,
    "instant": temporal.parse_datetime,
}


def only_moment(path: FastPath) -> Moment | None:
    """The only value of a path, where the path is of dates."""
    walk, parse = path.walk, _PARSERS.get(path.only_type or "")
    if parse is None:
        return None

    def read(this: Any) -> Temporal | None:
        values = walk(this)
        if not values:
            return None
        moment = parse(values[0])
        if len(values) > 1 or moment is None:
            raise UnsureError
        return moment

    return read


def moved(moment: Moment, amount: Decimal, unit: str) -> Moment:
    """A point in time, moved by a calendar duration."""

    def read(this: Any) -> Temporal | None:
        start = moment(this)
        return None if start is None else temporal.add(start, amount, unit)

    return read


def out_of_reach(_this: Any) -> Temporal | None:
    """A point in time that the lane cannot find: harmless where the other side is empty."""
    raise UnsureError


def compared(left: Moment, right: Moment, accept: Callable[[int, int], bool]) -> FastTruth:
    """Whether the order of two points in time is accepted; empty where it is open."""

    def run(this: Any) -> bool | None:
        one = left(this)
        other = None if one is None else right(this)
        if one is None or other is None:
            return None
        order = temporal.compare(one, other)
        return None if order is None else accept(order, 0)

    return FastTruth(run)
