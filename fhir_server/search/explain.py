"""How a search is carried out: what was understood, the statement, the database's plan. As text.

The values of a search may say something about a patient: none of them stands in the text, neither those
asked for nor those that PostgreSQL repeats in its plan.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

import psycopg

from fhir_server.search.access import (
    ByKey,
    InBlocks,
    Way,
    select_by_key,
    select_in_blocks,
    way_of,
)
from fhir_server.search.cursor import Cursor
from fhir_server.search.request import SearchRequest
from fhir_server.search.select import select_count, select_page
from fhir_server.search.settled import settled
from fhir_server.search.sql import Fragment
from fhir_server.store.resource_types import RESOURCE_TYPES
from fhir_server.store.token_statistics import token_statistics

HIDDEN = "…"
_PLAIN = frozenset({"comparator", "table", "contains", "is_single", "kind", "descending", "match"})
_LITERAL = re.compile(r"'(?:[^']|'')*'")


@dataclass(frozen=True, slots=True)
class Explanation:
    """Shape: `search` the predicates as a tree; `order`; `sql` with the kinds of its values; `plan`."""

    search: str
    order: str
    sql: str
    plan: str

    def __str__(self) -> str:
        return "\n\n".join([
            "Search\n" + self.search, "Order\n" + self.order, "SQL\n" + self.sql, "Plan\n" + self.plan,
        ])  # fmt: skip


def explain(
    connection: psycopg.Connection[Any], request: SearchRequest, *, analyze: bool = False
) -> Explanation:
    """The request as predicates, its SQL, PostgreSQL's plan; values hidden.

    Cost: `analyze` runs the statement.
    """
    request = settled(connection, request)
    way = way_of(request, request.count + 1, lambda: token_statistics(connection))
    statement = _statement(request, way)
    head = Fragment("EXPLAIN (ANALYZE, BUFFERS) ") if analyze else Fragment("EXPLAIN ")
    rows = connection.execute((head + statement).text, statement.parameters).fetchall()
    values = ", ".join(_kind(value) for value in statement.parameters)
    return Explanation(
        search="\n".join(_described(request.predicate, 1)),
        order="\n".join(f"  {line}" for line in _order(request, way)),
        sql=f"  {statement.text}\n  {values}",
        plan="\n".join(_LITERAL.sub(f"'{HIDDEN}'", row[0]) for row in rows),
    )


def _statement(request: SearchRequest, way: Way) -> Fragment:
    if request.is_count_only:
        return select_count(request)
    limit = request.count + 1
    match way:
        case ByKey():
            return select_by_key(request, way, None, limit, way.section(None))
        case InBlocks():
            return select_in_blocks(request, way, None, limit)
        case None:
            return select_page(request, Cursor(0, ()), limit).statement


def _order(request: SearchRequest, way: Way) -> Iterator[str]:
    if not request.sort:
        is_by_key = isinstance(way, ByKey) or request.resource_type is None
        yield "by key" if is_by_key else "as first stored"
    for sort in request.sort:
        yield f"{sort.kind}{' descending' if sort.descending else ''}"


def _kind(value: Any) -> str:
    """What kind of value stands in a place of a statement."""
    if isinstance(value, list | tuple):
        return f"{len(value)} × {_kind(value[0])}" if value else "none"
    return type(value).__name__


def _described(value: Any, depth: int) -> Iterator[str]:
    """One line for each predicate, indented below the one that holds it."""
    inner: list[Any] = []
    plain: list[str] = []
    for field in fields(value):
        member = getattr(value, field.name)
        members = member if isinstance(member, tuple) else (member,)
        if any(is_dataclass(one) for one in members):
            inner.extend(members)
        else:
            plain.append(f"{field.name}={_shown(field.name, member)}")
    yield f"{'  ' * depth}{type(value).__name__} {' '.join(plain)}".rstrip()
    for one in inner:
        yield from _described(one, depth + 1)


def _shown(name: str, value: Any) -> str:
    if name == "types":
        return ",".join(RESOURCE_TYPES[number] for number in value)
    if name in _PLAIN:
        return str(value)
    return f"{HIDDEN}×{len(value)}" if isinstance(value, tuple) else HIDDEN
