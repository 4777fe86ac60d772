"""A plan as the conditions of a WHERE clause."""

from collections.abc import Iterator, Sequence
from typing import LiteralString, NamedTuple

from fhir_server.search.comparisons import (
    compared,
    compared_as_points,
    compared_string,
    compared_time,
    equals_any,
    has_trigram,
    range_rows,
    rows_of,
)
from fhir_server.search.plan import Plan, RangeGroup, plan_predicate
from fhir_server.search.predicates import (
    AnyOf,
    Belongs,
    ByCanonical,
    Chained,
    ChainedInside,
    Dated,
    HasString,
    HasWords,
    Holds,
    InElement,
    InRange,
    Listed,
    Near,
    Not,
    Predicate,
    RangeTable,
    ReferredTo,
)
from fhir_server.search.sql import Fragment, alias, bracket, join, sql
from fhir_server.store.keys import KEY_SECTION

_EARTH_RADIUS_KM = 6371.0088
_KM_PER_DEGREE = 111.19

_TABLES: dict[RangeTable, LiteralString] = {
    "date": "search_date",
    "number": "search_number",
    "quantity": "search_quantity",
}


CONTAINED_ROWS: LiteralString = (
    "(SELECT i.key, i.container, i.type, i.id, i.tokens, o.updated, o.deleted "
    "FROM contained_resource i JOIN resource o ON o.key = i.container)"
)
"""Contained resources in the columns of `resource` that conditions speak of."""


class Row(NamedTuple):
    """A row of `resource` by its alias, and the expression of its key; where only the key is needed, the
    alias may be that of another table.
    """

    alias: LiteralString
    key: LiteralString


class Conditions:
    """Emits conditions; each table gets an alias of its own in the statement."""

    def __init__(self) -> None:
        self._aliases = 0

    def of_plan(self, plan: Plan, r: LiteralString) -> Fragment:
        """All conditions of a plan on the row `r` of `resource`."""
        row = Row(r, r + ".key")
        return join(" AND ", [sql("NOT " + r + ".deleted"), *self._parts(plan, row)])

    def _parts(self, plan: Plan, row: Row) -> Iterator[Fragment]:
        r = row.alias
        if plan.types is not None:
            yield equals_any(r + ".type", "smallint", sorted(plan.types))
        if plan.keys is not None:
            yield equals_any(row.key, "bigint", sorted(plan.keys))
        if plan.contains:
            yield sql(r + ".tokens @> %s::bigint[]", plan.contains)
        for tokens in plan.overlaps:
            yield sql(r + ".tokens && %s::bigint[]", list(tokens))
        if plan.excluded:
            yield sql("NOT (" + r + ".tokens && %s::bigint[])", plan.excluded)
        for updated in plan.updated:
            yield compared_time(updated, r)
        for group in plan.ranges:
            yield _is_among(row, self.keys_in_range(group))
        for predicate in plan.others:
            yield self._of(predicate, row)

    def _of(self, predicate: Predicate, row: Row) -> Fragment:
        keys = self.keys_of(predicate)
        if keys is not None:
            return _is_among(row, keys)
        match predicate:
            case ByCanonical():
                return self._by_canonical(predicate, row)
            case ChainedInside(parameters=parameters, target=target):
                return self._chained_inside(parameters, target, row)
            case Dated():
                return self._dated(predicate, row)
            case Belongs(parameters=parameters, owner=owner):
                return self._belongs(parameters, owner, row)
            case Holds(contained=contained, itself=itself):
                return self._holds(contained, itself, row)
            case Near():
                return self._near(predicate, row)
            case AnyOf(predicates=predicates):
                choices = [self._nested(choice, row) for choice in predicates]
                return bracket(join(" OR ", choices or [sql("FALSE")]))
            case Not(predicate=inner):
                return sql("NOT ") + bracket(self._nested(inner, row))
            case _:
                return self._nested(predicate, row)

    def _nested(self, predicate: Predicate, row: Row) -> Fragment:
        parts = list(self._parts(plan_predicate(predicate), row))
        return bracket(join(" AND ", parts)) if parts else sql("TRUE")

    def keys_in_range(self, group: RangeGroup) -> Fragment:
        """The statement of the keys, perhaps repeated, that have a row in the range."""
        table, s = _TABLES[group.first.table], self._alias("s")
        head = sql("SELECT " + s + ".key FROM " + table + " " + s + " WHERE ")
        as_points = compared_as_points(group, s)
        if as_points is None:
            return head + range_rows(group.ranges, s)
        # Nearly all numbers are points, which the index finds by their lower limits: only true ranges are
        # asked for their upper ones, by an index of their own.
        points = head + rows_of(group.first, s) & as_points
        ranges = head + range_rows(group.ranges, s) & sql(s + ".low < " + s + ".high AND NOT ")
        return points + sql(" UNION ALL ") + ranges + bracket(as_points)

    def keys_of(self, predicate: Predicate) -> Fragment | None:
        """The statement of the keys, perhaps repeated, that meet a predicate with a table of its own; None
        for any other.
        """
        match predicate:
            case HasString():
                return self.keys_of_string(predicate)
            case HasWords(query=query):
                x = self._alias("x")
                head = "SELECT " + x + ".key FROM search_text " + x
                return sql(head + " WHERE " + x + ".words @@ %s::tsquery", query)
            case InElement(parts=parts):
                return self._keys_of_element(parts)
            case Chained() | ReferredTo():
                return self._keys_linked(predicate)
            case Listed(source=source, parameter=parameter):
                return sql(
                    "SELECT target AS key FROM search_reference "
                    "WHERE key = %s::bigint AND parameter = %s::bigint",
                    source,
                    parameter,
                )
        return None

    def keys_of_string(self, predicate: HasString, section: int | None = None) -> Fragment:
        """The statement of the keys, perhaps repeated, that have such a string; where the index of trigrams
        finds it, only those of a section if one is named.
        """
        s = self._alias("s")
        of_parameter = equals_any(s + ".parameter", "bigint", predicate.parameters)
        if has_trigram(predicate):
            # The form that the index of trigrams holds, and no other: PostgreSQL would read all strings of
            # the parameter beside the few that have the trigrams.
            of_parameter = sql(
                s + ".in_parts AND ARRAY[" + s + ".parameter, "
                + s + ".parameter # (" + s + "." + KEY_SECTION + ")] && %s::bigint[]",
                [one if section is None else one ^ section for one in predicate.parameters],
            )  # fmt: skip
        return (
            sql("SELECT " + s + ".key FROM search_string " + s + " WHERE ")
            + of_parameter & compared_string(predicate, s + ".value")
        )  # fmt: skip

    def _keys_of_element(self, parts: Sequence[InRange]) -> Fragment:
        """The statement of the keys with an element that has all the parts."""
        rows = [self._alias("s") for _ in parts]
        first = rows[0]
        joined = [sql("SELECT " + first + ".key FROM search_quantity " + first)] + [
            sql(" JOIN search_quantity " + s + " ON " + s + ".key = " + first + ".key AND "
                + s + ".unit = " + first + ".unit")
            for s in rows[1:]
        ]  # fmt: skip
        pairs = zip(parts, rows, strict=True)
        asked = [equals_any(s + ".parameter", "bigint", one.parameters) & compared(one, s)
                 for one, s in pairs]  # fmt: skip
        return join("", joined) + sql(" WHERE ") + join(" AND ", asked)

    def _keys_linked(self, link: Chained | ReferredTo) -> Fragment:
        """The statement of the keys, perhaps repeated, at the near end of an edge whose far end meets the
        condition of a link.
        """
        near: LiteralString = "key" if isinstance(link, Chained) else "target"
        far: LiteralString = "target" if isinstance(link, Chained) else "key"
        e, t = self._alias("e"), self._alias("t")
        plan = plan_predicate(link.target if isinstance(link, Chained) else link.source)
        head = sql("SELECT " + e + "." + near + " AS key FROM search_reference " + e)
        if plan.is_of_live_rows:
            # Their tokens and rows belong to one type and are gone once it is deleted. To ask for that again
            # would make PostgreSQL expect too few rows, and start from the wrong end.
            plan.types = None
        if plan.needs_resource:
            head = head + sql(" JOIN resource " + t + " ON " + t + ".key = " + e + "." + far)
            live = [] if plan.is_of_live_rows else [sql("NOT " + t + ".deleted")]
            parts = [*live, *self._parts(plan, Row(t, t + ".key"))]
        else:
            parts = list(self._parts(plan, Row(e, e + "." + far)))
        parts.insert(0, equals_any(e + ".parameter", "bigint", link.parameters))
        return head + sql(" WHERE ") + join(" AND ", parts)

    def _holds(self, contained: Predicate, itself: Predicate | None, row: Row) -> Fragment:
        c, t = self._alias("c"), self._alias("t")
        head = sql(
            row.key + " IN (SELECT " + c + ".container FROM " + CONTAINED_ROWS + " " + c + " WHERE "
        )
        found = head + self.of_plan(plan_predicate(contained), c)
        if itself is not None:
            # As a union each side is found by its own index; by OR neither would be.
            own = self.of_plan(plan_predicate(itself), t)
            found = found + sql(" UNION SELECT " + t + ".key FROM resource " + t + " WHERE ") + own
        return found + sql(")")

    def _by_canonical(self, predicate: ByCanonical, row: Row) -> Fragment:
        """A token of a URL differs from that of a canonical with this URL by the numbers of the two
        parameters alone: those of the resources at the other end become those to look for. That it is the
        token of a URL, its mark tells: a resource may hold canonicals too.
        """
        t, u = self._alias("t"), self._alias("u")
        where = self.of_plan(plan_predicate(predicate.target), t)
        return (
            sql(row.alias + ".tokens && ARRAY(SELECT " + u + ".token # d.number # d.url FROM resource " + t
                + ", unnest(" + t + ".tokens) AS " + u + " (token), "
                "(SELECT number, url, mark FROM unnest(%s::bigint[]) AS number, "
                "unnest(%s::bigint[], %s::bigint[]) AS f (url, mark)) d "
                "WHERE " + t + ".tokens @> ARRAY[" + u + ".token # d.url # d.mark] AND ",
                list(predicate.parameters), list(predicate.urls), list(predicate.marks))
            + where + sql(")")
        )  # fmt: skip

    def _chained_inside(self, parameters: tuple[int, ...], target: Predicate, row: Row) -> Fragment:
        """By the tokens that references to contained resources have: their keys and a number."""
        c, d = self._alias("c"), self._alias("d")
        return (
            sql(row.alias + ".tokens && ARRAY(SELECT " + c + ".key # " + d + ".number FROM "
                + CONTAINED_ROWS + " " + c + ", unnest(%s::bigint[]) AS " + d + " (number) WHERE ",
                list(parameters))
            + self.of_plan(plan_predicate(target), c) + sql(")")
        )  # fmt: skip

    def _belongs(self, parameters: tuple[int, ...], owner: int, row: Row) -> Fragment:
        """Asked of each row by its key: a page needs few of them, and the set of all would be large."""
        e, t = self._alias("e"), self._alias("t")
        return (
            sql("(" + row.alias + ".type = %s::smallint OR coalesce((SELECT TRUE FROM search_reference " + e
                + " JOIN resource " + t + " ON " + t + ".key = " + e + ".target WHERE " + e + ".key = "
                + row.key + " AND NOT " + t + ".deleted AND " + t + ".type = %s::smallint AND ", owner, owner)
            + equals_any(e + ".parameter", "bigint", parameters) + sql(" LIMIT 1), FALSE))")
        )  # fmt: skip

    def _dated(self, predicate: Dated, row: Row) -> Fragment:
        """Asked of each row by its key: of what else is asked, few rows are left."""
        s = self._alias("s")
        return (
            sql("coalesce((SELECT bool_or(" + s + ".low <= %s::bigint AND " + s + ".high >= %s::bigint)"
                " FROM search_date " + s + " WHERE " + s + ".key = " + row.key + " AND ",
                predicate.high, predicate.low)
            + equals_any(s + ".parameter", "bigint", predicate.parameters) + sql("), TRUE)")
        )  # fmt: skip

    def _near(self, predicate: Near, row: Row) -> Fragment:
        """A band of latitudes by the index, then the great circle (haversine)."""
        a, o = self._alias("a"), self._alias("o")
        degrees = predicate.distance_km / _KM_PER_DEGREE
        return (
            sql(
                row.key + " IN (SELECT " + a + ".key FROM search_number " + a
                + " JOIN search_number " + o + " ON " + o + ".key = " + a + ".key WHERE "
            )
            + equals_any(a + ".parameter", "bigint", predicate.latitudes)
            & equals_any(o + ".parameter", "bigint", predicate.longitudes)
            & sql(
                a + ".low BETWEEN %s::float8::numeric AND %s::float8::numeric "
                "AND 2 * %s * asin(least(1, sqrt(power(sind((" + a + ".low::float8 - %s) / 2), 2) "
                "+ cosd(" + a + ".low::float8) * cosd(%s) "
                "* power(sind((" + o + ".low::float8 - %s) / 2), 2)))) <= %s)",
                predicate.latitude - degrees, predicate.latitude + degrees, _EARTH_RADIUS_KM,
                predicate.latitude, predicate.latitude, predicate.longitude, predicate.distance_km,
            )
        )  # fmt: skip

    def _alias(self, name: LiteralString) -> LiteralString:
        self._aliases += 1
        return alias(name, self._aliases)


def _is_among(row: Row, keys: Fragment) -> Fragment:
    return sql(row.key + " IN (") + keys + sql(")")
