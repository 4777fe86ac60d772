"""The statements of a search: one page of matches, their number.

A page starts after the place a cursor names and is ordered by what never changes while others write:
by default `sequence`, with `_sort` the sort values and then the key. Matches that lack the first sort
key come last, in a phase of their own, so that the others are read in the order of the key's index.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, LiteralString

from fhir_server.search.comparisons import equals_any, range_rows
from fhir_server.search.conditions import Conditions
from fhir_server.search.cursor import BY_KEY, Cursor, CursorValue, refused_cursor
from fhir_server.search.order import Sort, SortKind
from fhir_server.search.plan import Plan, plan_predicate, range_of_sort
from fhir_server.search.predicates import AllOf, TypeIn
from fhir_server.search.request import SearchRequest
from fhir_server.search.settled import unless_noted
from fhir_server.search.sql import Fragment, alias, join, sql
from fhir_server.store.resource_types import TYPE_NUMBERS
from fhir_server.store.resources import StoredResource
from fhir_server.store.resources import stored_resource as stored_row

COLUMNS: LiteralString = "r.key, r.type, r.id, r.version, r.updated, r.deleted, r.body"
COLUMN_COUNT = 7

_TABLES: dict[SortKind, LiteralString] = {
    "date": "search_date",
    "number": "search_number",
    "quantity": "search_quantity",
    "string": "search_string",
}
_CASTS: dict[SortKind, LiteralString] = {
    "date": "bigint",
    "number": "numeric",
    "quantity": "numeric",
    "string": "text",
    "token": "text",
    "reference": "text",
    "id": "text",
    "updated": "timestamptz",
}


@dataclass(frozen=True, slots=True)
class Place:
    """One expression of the order, with what a cursor needs to go on after it."""

    expression: LiteralString
    kind: SortKind | None
    descending: bool
    nullable: bool

    @property
    def cast(self) -> LiteralString:
        """A place for its value in SQL."""
        return "%s::" + (_CASTS[self.kind] if self.kind is not None else "bigint")

    def order(self) -> LiteralString:
        """The item of ORDER BY."""
        direction: LiteralString = " DESC" if self.descending else ""
        return self.expression + direction + (" NULLS LAST" if self.nullable else "")


@dataclass(frozen=True, slots=True)
class PageQuery:
    """A statement for a page; after the columns of `resource` come the values of `places`. A row of nulls
    tells that the request supposes wrongly.
    """

    statement: Fragment
    places: tuple[Place, ...]


def plan_request(request: SearchRequest) -> Plan:
    """The plan of the whole request."""
    predicate: AllOf = request.predicate
    if request.types:
        numbers = tuple(TYPE_NUMBERS[name] for name in request.types)
        predicate = AllOf((TypeIn(numbers), *predicate.predicates))
    return plan_predicate(predicate)


def select_count(request: SearchRequest) -> Fragment:
    """How many resources match."""
    return count_of(plan_request(request))


def count_of(plan: Plan) -> Fragment:
    """How many resources meet a plan; further conditions on `r` may follow."""
    return sql("SELECT count(*) FROM resource r WHERE ") + Conditions().of_plan(plan, "r")


def select_page(request: SearchRequest, cursor: Cursor, limit: int) -> PageQuery:
    """Up to `limit` matches after the cursor's place, of its phase."""
    plan = plan_request(request)
    joins, extra, places = _order(request, plan, cursor.phase)
    where = Conditions().of_plan(plan, "r")
    for condition in extra:
        where = where & condition
    if cursor.values:
        where = where & _after(places, cursor.values)
    listed: LiteralString = ", ".join(place.expression for place in places)
    ordered: LiteralString = ", ".join(place.order() for place in places)
    statement = (
        sql("SELECT " + COLUMNS + ", " + listed + " FROM resource r")
        + joins + sql(" WHERE ") + where
        + sql(" ORDER BY " + ordered + " LIMIT %s::int", limit)
    )  # fmt: skip
    columns = COLUMN_COUNT + len(places)
    return PageQuery(unless_noted(statement, columns, request.supposed), tuple(places))


def has_second_phase(request: SearchRequest) -> bool:
    """Whether matches without the first sort key may exist and come last."""
    if not request.sort or not request.sort[0].is_indexed:
        return False
    return range_of_sort(plan_request(request), request.sort[0]) is None


def _order(
    request: SearchRequest, plan: Plan, phase: int
) -> tuple[Fragment, list[Fragment], list[Place]]:
    """Joins, further conditions, and the places in order, the tie-breaker last."""
    if not request.sort:
        # Over several types no index holds the order of storing; what began by key goes on so.
        by_key = phase == BY_KEY or request.resource_type is None
        column: LiteralString = "r.key" if by_key else "r.sequence"
        return sql(""), [], [Place(column, None, descending=False, nullable=False)]
    first, rest = request.sort[0], request.sort[1:]
    joins, places = sql(""), list[Place]()
    extra: list[Fragment] = []
    if not first.is_indexed:
        rest = request.sort
    elif phase == 0:
        joins, extra = _first_join(first, plan)
        places.extend(_first_places(first))
    else:
        extra.append(_without(first))
    for number, sort in enumerate(rest):
        if sort.is_column:
            places.append(_column(sort))
        else:
            joins = joins + _lateral(sort, alias("l", number))
            value = alias("l", number) + ".value"
            places.append(Place(value, sort.kind, sort.descending, nullable=True))
    descending = first.descending and len(request.sort) == 1
    places.append(Place("r.key", None, descending, nullable=False))
    return joins, extra, places


def _column(sort: Sort) -> Place:
    column: LiteralString = "r.id" if sort.kind == "id" else "r.updated"
    return Place(column, sort.kind, sort.descending, nullable=False)


def _first_join(sort: Sort, plan: Plan) -> tuple[Fragment, list[Fragment]]:
    """The index of the first sort key, joined to its resources; it also serves a range on the same rows."""
    joins = sql(" JOIN " + _TABLES[sort.kind] + " f ON f.key = r.key")
    group = range_of_sort(plan, sort)
    if group is not None:
        plan.ranges.remove(group)
        return joins, [range_rows(group.ranges, "f")]
    extra = [_rows_of(sort, "f")]
    if not sort.is_single:
        extra.append(_is_first(sort))
    return joins, extra


def _first_places(sort: Sort) -> list[Place]:
    columns: tuple[LiteralString, ...]
    if sort.kind == "string":
        columns = ("f.value",)
    elif sort.kind == "date" and sort.descending:
        columns = ("f.high", "f.low")
    else:
        columns = ("f.low", "f.high")
    return [Place(one, sort.kind, sort.descending, nullable=False) for one in columns]


def _rows_of(sort: Sort, s: LiteralString) -> Fragment:
    rows = equals_any(s + ".parameter", "bigint", sort.parameters)
    return rows & sql(s + ".unit = 0") if sort.kind == "quantity" else rows


def _is_first(sort: Sort) -> Fragment:
    """Of several values of one resource the one that comes first decides."""
    columns = [place.expression.removeprefix("f.") for place in _first_places(sort)]
    ours: LiteralString = "(" + ", ".join("f." + column for column in columns) + ")"
    theirs: LiteralString = "(" + ", ".join("g." + column for column in columns) + ")"
    earlier: LiteralString = " > " if sort.descending else " < "
    return sql(
        "NOT EXISTS (SELECT FROM " + _TABLES[sort.kind] + " g WHERE g.key = f.key AND "
    ) + _rows_of(sort, "g") & sql(theirs + earlier + ours + ")")


def _without(sort: Sort) -> Fragment:
    table = _TABLES[sort.kind]
    return (
        sql("NOT EXISTS (SELECT FROM " + table + " f WHERE f.key = r.key AND ")
        + _rows_of(sort, "f")
        + sql(")")
    )


def _lateral(sort: Sort, name: LiteralString) -> Fragment:
    """The value of a sort key that decides, of each resource; null where it has none."""
    if sort.kind == "token":
        return (
            sql(" LEFT JOIN LATERAL (SELECT ") + _token_value(sort) + sql(") " + name + " ON TRUE")
        )
    if sort.kind == "reference":
        return (
            sql(" LEFT JOIN LATERAL (SELECT " + _chosen(sort) + _TARGET + ") AS value "
                "FROM search_reference e JOIN resource t ON t.key = e.target WHERE e.key = r.key AND ")
            + equals_any("e.parameter", "bigint", sort.parameters) + sql(") " + name + " ON TRUE")
        )  # fmt: skip
    column: LiteralString = "value" if sort.kind == "string" else "low"
    if sort.kind == "date" and sort.descending:
        column = "high"
    chosen: LiteralString = _chosen(sort) + "s." + column + ")"
    return (
        sql(" LEFT JOIN LATERAL (SELECT " + chosen + " AS value FROM " + _TABLES[sort.kind]
            + " s WHERE s.key = r.key AND ")
        + _rows_of(sort, "s") + sql(") " + name + " ON TRUE")
    )  # fmt: skip


# The numbers of the types are in the order of their names.
_TARGET: LiteralString = "(to_char(t.type, 'FM000') || '/' || t.id) COLLATE \"C\""


def _chosen(sort: Sort) -> LiteralString:
    return "max(" if sort.descending else "min("


def _token_value(sort: Sort) -> Fragment:
    """The code of a token, out of the dictionary of codes, or its own string."""
    first: LiteralString = "greatest(" if sort.descending else "least("
    return (
        sql(first + "(SELECT " + _chosen(sort) + "c.value) FROM search_code c WHERE ")
        + equals_any("c.parameter", "bigint", sort.parameters)
        + sql(" AND c.token = ANY(r.tokens)), (SELECT " + _chosen(sort) + "s.value) "
              "FROM search_string s WHERE s.key = r.key AND ")
        + equals_any("s.parameter", "bigint", sort.texts) + sql(")) AS value")
    )  # fmt: skip


def _after(places: Sequence[Place], values: Sequence[CursorValue]) -> Fragment:
    """What comes after a place in the order."""
    if len(places) != len(values):
        raise refused_cursor()
    read = [_value(place, value) for place, value in zip(places, values, strict=True)]
    if not any(p.nullable for p in places) and len({p.descending for p in places}) == 1:
        names: LiteralString = ", ".join(place.expression for place in places)
        casts: LiteralString = ", ".join(place.cast for place in places)
        sign: LiteralString = " < " if places[0].descending else " > "
        return sql("(" + names + ")" + sign + "(" + casts + ")", *read)
    return _after_each(list(zip(places, read, strict=True)))


def _after_each(pairs: Sequence[tuple[Place, Any]]) -> Fragment:
    place, value = pairs[0]
    rest = _after_each(pairs[1:]) if len(pairs) > 1 else None
    name = place.expression
    if value is None:
        return sql("(" + name + " IS NULL AND ") + (rest or sql("FALSE")) + sql(")")
    sign: LiteralString = " < " if place.descending else " > "
    parts = [sql(name + sign + place.cast, value)]
    if place.nullable:
        parts.append(sql(name + " IS NULL"))
    if rest is not None:
        parts.append(sql("(" + name + " = " + place.cast + " AND ", value) + rest + sql(")"))
    return sql("(") + join(" OR ", parts) + sql(")")


def stored_resource(row: Sequence[Any]) -> StoredResource:
    """The resource of a row that begins with `COLUMNS`."""
    return stored_row(row[:COLUMN_COUNT])


def cursor_value(value: Any) -> CursorValue:
    """A value of a place as a cursor holds it."""
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value) if isinstance(value, Decimal) else value


def _value(place: Place, value: CursorValue) -> Any:
    """A cursor's value as the database takes it. Errors: Refused(400)."""
    try:
        if value is None:
            if place.nullable:
                return None
        elif place.kind in {"number", "quantity"}:
            return Decimal(str(value))
        elif place.kind == "updated":
            return datetime.fromisoformat(str(value))
        elif place.kind in {"string", "token", "reference", "id"}:
            if isinstance(value, str) and "\x00" not in value:
                return value
        elif isinstance(value, int) and -(1 << 63) <= value < 1 << 63:
            return value
    except (ValueError, ArithmeticError):
        pass
    raise refused_cursor()
