"""A plan as the conditions of a WHERE clause."""

from collections.abc import Iterator, Sequence
from typing import Any, LiteralString

from fhir_server.model.dates import moment_of
from fhir_server.search.plan import Plan, RangeGroup, plan_predicate
from fhir_server.search.predicates import (
    AnyOf,
    Chained,
    Comparator,
    HasString,
    InRange,
    Listed,
    Not,
    Predicate,
    RangeTable,
    ReferredTo,
    Updated,
)
from fhir_server.search.sql import Fragment, alias, bracket, join, sql

_LIKE_ESCAPES = str.maketrans({"\\": "\\\\", "%": "\\%", "_": "\\_"})

_TABLES: dict[RangeTable, LiteralString] = {
    "date": "search_date",
    "number": "search_number",
    "quantity": "search_quantity",
}
_CASTS: dict[RangeTable, LiteralString] = {
    "date": "%s::bigint",
    "number": "%s::numeric",
    "quantity": "%s::numeric",
}


class Conditions:
    """Emits conditions; each table gets an alias of its own in the statement."""

    def __init__(self) -> None:
        self._aliases = 0

    def of_plan(self, plan: Plan, r: LiteralString) -> Fragment:
        """All conditions of a plan on the row `r` of `resource`."""
        return join(" AND ", [sql("NOT " + r + ".deleted"), *self._parts(plan, r)])

    def _parts(self, plan: Plan, r: LiteralString) -> Iterator[Fragment]:
        if plan.types is not None:
            yield equals_any(r + ".type", "smallint", sorted(plan.types))
        if plan.keys is not None:
            yield equals_any(r + ".key", "bigint", sorted(plan.keys))
        if plan.contains:
            yield sql(r + ".tokens @> %s::bigint[]", plan.contains)
        for tokens in plan.overlaps:
            yield sql(r + ".tokens && %s::bigint[]", list(tokens))
        if plan.excluded:
            yield sql("NOT (" + r + ".tokens && %s::bigint[])", plan.excluded)
        for updated in plan.updated:
            yield _updated(updated, r)
        for group in plan.ranges:
            yield self._in_range(group, r)
        for predicate in plan.others:
            yield self._of(predicate, r)

    def _of(self, predicate: Predicate, r: LiteralString) -> Fragment:
        match predicate:
            case HasString():
                return self._has_string(predicate, r)
            case Chained():
                return self._chained(predicate, r)
            case ReferredTo():
                return self._referred_to(predicate, r)
            case Listed(source=source, parameter=parameter):
                return sql(
                    r + ".key IN (SELECT target FROM search_reference "
                    "WHERE key = %s::bigint AND parameter = %s::bigint)",
                    source,
                    parameter,
                )
            case AnyOf(predicates=()):
                return sql("FALSE")
            case AnyOf(predicates=predicates):
                return bracket(join(" OR ", [self._nested(choice, r) for choice in predicates]))
            case Not(predicate=inner):
                return sql("NOT ") + bracket(self._nested(inner, r))
            case _:
                return self._nested(predicate, r)

    def _nested(self, predicate: Predicate, r: LiteralString) -> Fragment:
        parts = list(self._parts(plan_predicate(predicate), r))
        return bracket(join(" AND ", parts)) if parts else sql("TRUE")

    def _in_range(self, group: RangeGroup, r: LiteralString) -> Fragment:
        s = self._alias("s")
        table = _TABLES[group.first.table]
        head = sql(r + ".key IN (SELECT " + s + ".key FROM " + table + " " + s + " WHERE ")
        return head + range_rows(group.ranges, s) + sql(")")

    def _has_string(self, predicate: HasString, r: LiteralString) -> Fragment:
        s = self._alias("s")
        pattern = predicate.value.translate(_LIKE_ESCAPES) + "%"
        if predicate.contains:
            pattern = "%" + pattern
        return (
            sql(r + ".key IN (SELECT " + s + ".key FROM search_string " + s + " WHERE ")
            + equals_any(s + ".parameter", "bigint", predicate.parameters)
            + sql(" AND " + s + ".value LIKE %s)", pattern)
        )

    def _chained(self, predicate: Chained, r: LiteralString) -> Fragment:
        e, t = self._alias("e"), self._alias("t")
        return (
            sql(
                r + ".key IN (SELECT " + e + ".key FROM search_reference " + e
                + " JOIN resource " + t + " ON " + t + ".key = " + e + ".target WHERE "
            )
            + equals_any(e + ".parameter", "bigint", predicate.parameters)
            & self.of_plan(plan_predicate(predicate.target), t) + sql(")")
        )  # fmt: skip

    def _referred_to(self, predicate: ReferredTo, r: LiteralString) -> Fragment:
        e, t = self._alias("e"), self._alias("t")
        return (
            sql(
                r + ".key IN (SELECT " + e + ".target FROM search_reference " + e
                + " JOIN resource " + t + " ON " + t + ".key = " + e + ".key WHERE "
            )
            + equals_any(e + ".parameter", "bigint", predicate.parameters)
            & self.of_plan(plan_predicate(predicate.source), t) + sql(")")
        )  # fmt: skip

    def _alias(self, name: LiteralString) -> LiteralString:
        self._aliases += 1
        return alias(name, self._aliases)


def range_rows(ranges: Sequence[InRange], s: LiteralString) -> Fragment:
    """The rows of a range table that meet all the ranges, which share parameters and unit."""
    first = ranges[0]
    parts = [equals_any(s + ".parameter", "bigint", first.parameters)]
    if first.table == "quantity":
        parts.append(sql(s + ".unit = %s::bigint", first.unit))
    parts.extend(_compared(one, s) for one in ranges)
    return join(" AND ", parts)


# R4 §3.1.1.4.5, for a search value [L, H] and a target [low, high]. Where a comparison is made of two
# parts, the first bounds the index scan and follows from the second.
_COMPARISONS: dict[Comparator, tuple[LiteralString, str]] = {
    "eq": ("s.low >= V AND s.low <= V AND s.high <= V", "LHH"),
    "ne": ("(s.low < V OR s.high > V)", "LH"),
    "gt": ("s.high > V", "H"),
    "lt": ("s.low < V", "L"),
    "ge": ("s.high >= V AND (s.high > V OR s.low >= V)", "LHL"),
    "le": ("s.low <= V AND (s.low < V OR s.high <= V)", "HLH"),
    "sa": ("s.low > V", "H"),
    "eb": ("s.high < V", "L"),
    "ap": ("s.low <= V AND s.high >= V", "HL"),
}
# The range that a number's digits leave open ends before its upper limit.
_OPEN_COMPARISONS: dict[Comparator, tuple[LiteralString, str]] = {
    **_COMPARISONS,
    "eq": ("s.low >= V AND s.low < V AND s.high < V", "LHH"),
    "ne": ("(s.low < V OR s.high >= V)", "LH"),
}


def _compared(asked: InRange, s: LiteralString) -> Fragment:
    table = _COMPARISONS if asked.table == "date" else _OPEN_COMPARISONS
    text, limits = table[asked.comparator]
    values: tuple[Any, ...] = tuple(asked.low if one == "L" else asked.high for one in limits)
    return Fragment(text.replace("s.", s + ".").replace("V", _CASTS[asked.table]), values)


def _updated(asked: Updated, r: LiteralString) -> Fragment:
    """The time of change is an instant: its low and its high are one column."""
    text, limits = _COMPARISONS[asked.comparator]
    values = tuple(moment_of(asked.low if one == "L" else asked.high) for one in limits)
    column = r + ".updated"
    text = text.replace("s.low", column).replace("s.high", column).replace("V", "%s::timestamptz")
    return Fragment(text, values)


def equals_any(column: LiteralString, kind: LiteralString, values: Sequence[int]) -> Fragment:
    """The column is one of the values; a plain `=` for one, which keeps the order of an index."""
    if len(values) == 1:
        return sql(column + " = %s::" + kind, values[0])
    return sql(column + " = ANY(%s::" + kind + "[])", list(values))
