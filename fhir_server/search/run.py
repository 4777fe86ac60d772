"""A search carried out: one statement for the page, one for the total where it is asked for, one for
each wave of includes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import psycopg

from fhir_server.model.issues import Issue, warning
from fhir_server.search.access import (
    ByKey,
    InBlocks,
    by_key_of,
    last_key_of,
    select_by_key,
    select_in_blocks,
    way_of,
)
from fhir_server.search.contained_rows import find_contained, select_contained_count
from fhir_server.search.cursor import (
    BY_KEY,
    OF_CONTAINED,
    Cursor,
    decode_cursor,
    encode_cursor,
    refused_cursor,
)
from fhir_server.search.predicates import Predicate
from fhir_server.search.request import SearchRequest
from fhir_server.search.select import (
    COLUMN_COUNT,
    cursor_value,
    has_second_phase,
    plan_request,
    select_count,
    select_page,
    stored_resource,
)
from fhir_server.search.settled import SupposedWronglyError, settled, supposed
from fhir_server.search.sql import Fragment
from fhir_server.search.totals import total_of
from fhir_server.search.waves import MAX_INCLUDED, run_includes
from fhir_server.store.keys import hash64
from fhir_server.store.resources import StoredResource
from fhir_server.store.token_statistics import token_statistics

Connection = psycopg.Connection[Any]

_UNRELATED_TO_CURSOR = frozenset(
    {"_count", "_total", "_summary", "_elements", "_format", "_pretty"}
)


@dataclass(frozen=True, slots=True)
class SearchResult:
    """A page: `next_cursor` where another page follows; `total` where it was asked for or is evident."""

    matches: tuple[StoredResource, ...]
    included: tuple[StoredResource, ...] = ()
    total: int | None = None
    next_cursor: str | None = None
    issues: tuple[Issue, ...] = ()


def run_search(connection: Connection, request: SearchRequest) -> SearchResult:
    """Carry out a search. Errors: Refused(400) for a cursor that is not one of this search.

    Cost: one or two statements, one more where matches without the first sort key end the page, one for
    each wave of includes, and those of `settled`.
    """
    if request.is_count_only:
        request = settled(connection, request)
        return SearchResult(
            (), total=_total(connection, request, exact=request.total != "estimate")
        )
    search = _search_hash(request)
    cursor = decode_cursor(request.cursor, search) if request.cursor is not None else Cursor(0, ())
    request, rows = _first_rows(connection, request, cursor)
    has_more = len(rows) > request.count
    rows = rows[: request.count]
    matches = tuple(stored for stored, _ in rows)
    included, is_cut = run_includes(connection, request.includes, matches)
    return SearchResult(
        matches=matches,
        included=included,
        total=_page_total(connection, request, len(matches), is_whole=not has_more),
        next_cursor=encode_cursor(rows[-1][1], search) if has_more else None,
        issues=(warning("search-includes-cut", "too-costly", limit=MAX_INCLUDED),)
        if is_cut
        else (),
    )


def _first_rows(
    connection: Connection, request: SearchRequest, cursor: Cursor
) -> tuple[SearchRequest, list[tuple[StoredResource, Cursor]]]:
    """The search as it is carried out, the rows of its page and one more."""
    limit = request.count + 1
    told = supposed(connection, request)
    try:
        return told, _page(connection, told, cursor, limit)
    except SupposedWronglyError:
        told = settled(connection, request)
        return told, _page(connection, told, cursor, limit)


def match_resources(
    connection: Connection, request: SearchRequest, limit: int = 2
) -> list[StoredResource]:
    """Some of the resources that match, for conditional interactions. Cost: one statement."""
    rows = _fetch(connection, settled(connection, request), Cursor(0, ()), limit)
    return [stored for stored, _ in rows]


def _page(
    connection: Connection, request: SearchRequest, cursor: Cursor, limit: int
) -> list[tuple[StoredResource, Cursor]]:
    rows: list[tuple[StoredResource, Cursor]] | None
    way = way_of(request, limit, lambda: token_statistics(connection))
    if cursor.phase == BY_KEY or (isinstance(way, ByKey) and not cursor.values):
        rows = _fetch_by_key(connection, request, cursor, limit)
        if rows is not None:
            return rows
    elif isinstance(way, InBlocks):
        return _fetch_in_blocks(connection, request, way, cursor, limit)
    rows = []
    if cursor.phase < OF_CONTAINED:
        rows = _fetch(connection, request, cursor, limit)
        if len(rows) < limit and cursor.phase == 0 and has_second_phase(request):
            rows += _fetch(connection, request, Cursor(1, ()), limit - len(rows))
        cursor = Cursor(OF_CONTAINED, ())
    if len(rows) < limit and request.contained is not None:
        rows += _fetch_contained(connection, request.contained, cursor, limit - len(rows))
    return rows


def _fetch_by_key(
    connection: Connection, request: SearchRequest, cursor: Cursor, limit: int
) -> list[tuple[StoredResource, Cursor]] | None:
    """Matches in the order of their keys; None where there are too many keys for that."""
    way = by_key_of(plan_request(request), lambda: token_statistics(connection))
    after = _one_place(cursor)
    if request.sort or request.contained is not None or (cursor.phase == BY_KEY and after is None):
        raise refused_cursor()
    if way is None:
        # What is asked for has become more since the search began: chains go inside only once something is.
        return _fetch(connection, request, cursor, limit)
    section = way.section(after)
    found: list[tuple[StoredResource, Cursor]] = []
    while len(found) < limit:
        wanted = limit - len(found)
        rows = _run_page(connection, select_by_key(request, way, after, wanted, section))
        if rows[0][-1]:
            return None
        keys = [row[-2] for row in rows if row[-2] is not None]
        found += [
            (stored_resource(row), Cursor(BY_KEY, (row[0],))) for row in rows if row[0] is not None
        ]
        if len(keys) == wanted:
            after = keys[-1]
        elif section is not None:
            after, section = last_key_of(section), None
        else:
            break
    return found


def _fetch_in_blocks(
    connection: Connection, request: SearchRequest, way: InBlocks, cursor: Cursor, limit: int
) -> list[tuple[StoredResource, Cursor]]:
    if cursor.phase:
        raise refused_cursor()
    statement = select_in_blocks(request, way, _one_place(cursor), limit)
    rows = run_fragment(connection, statement)
    return [(stored_resource(row), Cursor(0, (row[-1],))) for row in rows]


def _one_place(cursor: Cursor) -> int | None:
    """The place of a cursor that has one number. Errors: Refused(400)."""
    if not cursor.values:
        return None
    place = cursor.values[0]
    if len(cursor.values) > 1 or not isinstance(place, int) or not -(1 << 63) <= place < 1 << 63:
        raise refused_cursor()
    return place


def _fetch_contained(
    connection: Connection, predicate: Predicate, cursor: Cursor, limit: int
) -> list[tuple[StoredResource, Cursor]]:
    after = cursor.values[0] if cursor.values else None
    if after is not None and not isinstance(after, int):
        raise refused_cursor()
    found = find_contained(connection, predicate, after, limit)
    return [(stored, Cursor(OF_CONTAINED, (key,))) for key, stored in found]


def _fetch(
    connection: Connection, request: SearchRequest, cursor: Cursor, limit: int
) -> list[tuple[StoredResource, Cursor]]:
    query = select_page(request, cursor, limit)
    found = _run_page(connection, query.statement)
    return [
        (
            stored_resource(row),
            Cursor(cursor.phase, tuple(cursor_value(value) for value in row[COLUMN_COUNT:])),
        )
        for row in found
    ]


def _page_total(
    connection: Connection, request: SearchRequest, found: int, *, is_whole: bool
) -> int | None:
    if is_whole and request.cursor is None:
        return found
    if request.total == "none":
        return None
    if request.total == "accurate":
        return _total(connection, request, exact=True)
    return max(_total(connection, request, exact=False), found if is_whole else found + 1)


def _total(connection: Connection, request: SearchRequest, *, exact: bool) -> int:
    contained = select_contained_count(request.contained) if request.contained is not None else None
    if exact:
        total = total_of(connection, request)
        return total + int(run_fragment(connection, contained)[0][0]) if contained else total
    total = _estimated(connection, select_count(request))
    return total + _estimated(connection, contained) if contained else total


def _estimated(connection: Connection, statement: Fragment) -> int:
    plan = run_fragment(connection, Fragment("EXPLAIN (FORMAT JSON) ") + statement)[0][0]
    counted = plan[0]["Plan"]
    while counted.get("Node Type") in {"Aggregate", "Gather"} and "Plans" in counted:
        counted = counted["Plans"][0]
    return int(counted["Plan Rows"])


def _run_page(connection: Connection, statement: Fragment) -> Sequence[Any]:
    """The rows of a statement that tells what it supposes wrongly. Errors: SupposedWronglyError."""
    rows = run_fragment(connection, statement)
    if any(row[-1] is None for row in rows):
        raise SupposedWronglyError
    return rows


def run_fragment(connection: Connection, statement: Fragment) -> Sequence[Any]:
    """The rows of a statement."""
    # Bytes as they are: as text, a body would travel as two digits a byte.
    return connection.execute(statement.text, statement.parameters, binary=True).fetchall()


def _search_hash(request: SearchRequest) -> int:
    """What a cursor is bound to: the types, the filters and the order."""
    bound = [pair for pair in request.pairs if pair[0] not in _UNRELATED_TO_CURSOR]
    return hash64(repr((request.types, request.compartment, bound)))
