"""How the columns of a row compare with what is asked for: limits of ranges, strings, times.

Source: FHIR R4 §3.1.1.4.5 (prefixes)
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, LiteralString

from fhir_server.model.dates import moment_of
from fhir_server.search.plan import RangeGroup
from fhir_server.search.predicates import (
    Comparator,
    HasString,
    InRange,
    RangeTable,
    StringMatch,
    Updated,
)
from fhir_server.search.sql import Fragment, join, sql

_TRIGRAM = re.compile(r"[^\W_]{3}")
_LIKE_ESCAPES = str.maketrans({"\\": "\\\\", "%": "\\%", "_": "\\_"})

_CASTS: dict[RangeTable, LiteralString] = {
    "date": "%s::bigint",
    "number": "%s::numeric",
    "quantity": "%s::numeric",
}


def range_rows(ranges: Sequence[InRange], s: LiteralString) -> Fragment:
    """The rows of a range table that meet all the ranges, which share parameters and unit."""
    return join(" AND ", [rows_of(ranges[0], s), *(compared(one, s) for one in ranges)])


def rows_of(asked: InRange, s: LiteralString) -> Fragment:
    """The rows of a range table of its parameters and unit."""
    rows = equals_any(s + ".parameter", "bigint", asked.parameters)
    return rows & sql(s + ".unit = %s::bigint", asked.unit) if asked.table == "quantity" else rows


# R4 §3.1.1.4.5, for a search value [L, H] and a target [low, high]. Where a comparison is made of several
# parts, the first bound the index scan and follow from the last. `+ 0` keeps a part out of the index scan:
# PostgreSQL 18 would reckon with skipping through all values of `low` for it, and avoid the index.
_COMPARISONS: dict[Comparator, tuple[LiteralString, str]] = {
    "eq": ("s.low >= V AND s.low <= V AND s.high + 0 <= V", "LHH"),
    "ne": ("(s.low < V OR s.high > V)", "LH"),
    "gt": ("s.high > V", "H"),
    "lt": ("s.low < V", "L"),
    "ge": ("s.high >= V AND (s.high > V OR s.low >= V)", "LHL"),
    "le": ("s.low <= V AND (s.low < V OR s.high <= V)", "HLH"),
    "sa": ("s.low > V", "H"),
    "eb": ("s.high < V", "L"),
    "ap": ("s.low <= V AND s.high >= V", "HL"),
    "co": ("s.low <= V AND s.high >= V", "LH"),
}
# The range that a number's digits leave open ends before its upper limit.
_OPEN_COMPARISONS: dict[Comparator, tuple[LiteralString, str]] = {
    **_COMPARISONS,
    "eq": ("s.low >= V AND s.low < V AND s.high + 0 < V", "LHH"),
    "ne": ("(s.low < V OR s.high >= V)", "LH"),
    # The lower limit is said too: numbers have an index by it, and none by the upper one.
    "eb": ("s.low < V AND s.high < V", "LL"),
}

_BY_UPPER_LIMIT: frozenset[Comparator] = frozenset({"gt", "ge", "ap"})
# By the lower limit alone: what points (low = high) meet, and ranges that lie above.
_OF_POINTS: dict[Comparator, tuple[LiteralString, str]] = {
    **_OPEN_COMPARISONS,
    "gt": ("s.low > V", "H"),
    "ge": ("s.low >= V", "L"),
    "ap": ("s.low >= V AND s.low <= V", "LH"),
}


def compared_as_points(group: RangeGroup, s: LiteralString) -> Fragment | None:
    """The limits of a row of numbers compare as the group asks, and so would a point at the lower limit. None
    where nothing asks for the upper limit, and of dates, which have an index by that.
    """
    asked = {one.comparator for one in group.ranges}
    if group.first.table == "date" or asked.isdisjoint(_BY_UPPER_LIMIT):
        return None
    return join(" AND ", [_compared(one, s, _OF_POINTS) for one in group.ranges])


def compared(asked: InRange, s: LiteralString) -> Fragment:
    """The limits of a row of a range table compare as asked."""
    return _compared(asked, s, _COMPARISONS if asked.table == "date" else _OPEN_COMPARISONS)


def _compared(
    asked: InRange, s: LiteralString, table: Mapping[Comparator, tuple[LiteralString, str]]
) -> Fragment:
    text, limits = table[asked.comparator]
    values: tuple[Any, ...] = tuple(asked.low if one == "L" else asked.high for one in limits)
    return Fragment(text.replace("s.", s + ".").replace("V", _CASTS[asked.table]), values)


_ORDER: dict[StringMatch, LiteralString] = {"gt": " > ", "lt": " < ", "ge": " >= ", "le": " <= "}


def has_trigram(predicate: HasString) -> bool:
    """Whether the index of trigrams finds the part of a string that is asked for."""
    return predicate.match in {"contains", "ends"} and bool(_TRIGRAM.search(predicate.value))


def compared_string(predicate: HasString, column: LiteralString) -> Fragment:
    """A folded string compares as asked."""
    pattern = predicate.value.translate(_LIKE_ESCAPES)
    match predicate.match:
        case "equals":
            return sql(column + " = %s", predicate.value)
        case "differs":
            return sql(column + " <> %s", predicate.value)
        case "contains":
            return sql(column + " LIKE %s", f"%{pattern}%")
        case "ends":
            return sql(column + " LIKE %s", f"%{pattern}")
        case "starts":
            return sql(column + " LIKE %s", f"{pattern}%")
        case "gt" | "lt" | "ge" | "le":
            return sql(column + _ORDER[predicate.match] + "%s", predicate.value)


def compared_time(asked: Updated, r: LiteralString) -> Fragment:
    """The time of change is an instant: its low and its high are one column."""
    text, limits = _COMPARISONS[asked.comparator]
    values = tuple(moment_of(asked.low if one == "L" else asked.high) for one in limits)
    column = r + ".updated"
    text = text.replace("s.high + 0", "s.high").replace("V", "%s::timestamptz")
    text = text.replace("s.low", column).replace("s.high", column)
    return Fragment(text, values)


def equals_any(column: LiteralString, kind: LiteralString, values: Sequence[int]) -> Fragment:
    """The column is one of the values; a plain `=` for one, which keeps the order of an index."""
    if len(values) == 1:
        return sql(column + " = %s::" + kind, values[0])
    return sql(column + " = ANY(%s::" + kind + "[])", list(values))
