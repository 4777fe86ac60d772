"""Includes carried out: wave after wave along the edges of `search_reference`, and of canonicals.

The first wave starts from the matches; each further one, for `:iterate`, from what the last one added.
Waves and resources are bounded: a cycle or a wide fan cannot run away.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, LiteralString

import psycopg

from fhir_server.search.includes import Include
from fhir_server.search.select import COLUMNS, stored_resource
from fhir_server.search.sql import Fragment, join, sql
from fhir_server.store.arrays import array_text
from fhir_server.store.resource_types import TYPE_NUMBERS
from fhir_server.store.resources import StoredResource

MAX_INCLUDED = 1000
MAX_WAVES = 8


def run_includes(
    connection: psycopg.Connection[Any],
    includes: Sequence[Include],
    matches: Sequence[StoredResource],
) -> tuple[tuple[StoredResource, ...], bool]:
    """What the includes add, each resource once and no match again; and whether a bound cut it short.

    Cost: one statement for each wave.
    """
    seen = {stored.key for stored in matches}
    included: list[StoredResource] = []
    frontier: Sequence[StoredResource] = matches
    active = list(includes)
    for _ in range(MAX_WAVES):
        if not active or not frontier:
            return tuple(included), False
        room = MAX_INCLUDED - len(included)
        statement = _select_wave(active, frontier, seen, room + 1)
        rows = connection.execute(statement.text, statement.parameters).fetchall()
        found = {row[0]: row for row in rows[:room]}
        frontier = [stored_resource(row) for row in found.values()]
        included.extend(frontier)
        seen.update(stored.key for stored in frontier)
        if len(rows) > room:
            return tuple(included), True
        active = [include for include in includes if include.iterate]
    return tuple(included), bool(active and frontier)


def _select_wave(
    includes: Iterable[Include],
    frontier: Sequence[StoredResource],
    seen: Iterable[int],
    limit: int,
) -> Fragment:
    parts = [part for include in includes for part in _parts(include, frontier)]
    edges = join(" UNION ", parts)
    return (
        sql("SELECT " + COLUMNS + " FROM (")
        + edges
        + sql(") i JOIN resource r ON r.key = i.key WHERE NOT r.deleted ")
        + sql(
            "AND (i.type IS NULL OR i.type = r.type) AND r.key <> ALL(%s::bigint[]) ", sorted(seen)
        )
        + sql("ORDER BY r.key LIMIT %s::int", limit)
    )


def _parts(include: Include, frontier: Sequence[StoredResource]) -> Iterator[Fragment]:
    yield _edges(include, frontier)
    asked = {
        tokens
        for link in include.canonicals
        for tokens in (link.naming(frontier) if include.reverse else link.named_by(frontier))
    }
    if asked:
        # A token belongs to one parameter of one type: what has it is of the type wanted.
        yield sql(
            "SELECT n.key, NULL::smallint AS type FROM unnest(%s::text[]) AS asked (tokens) "
            "JOIN resource n ON n.tokens @> asked.tokens::bigint[]",
            [array_text(tokens) for tokens in sorted(asked)],
        )


def _edges(include: Include, frontier: Sequence[StoredResource]) -> Fragment:
    """The keys at the other end of the edges, with the type wanted there."""
    near: LiteralString = "e.target" if include.reverse else "e.key"
    far: LiteralString = "e.key" if include.reverse else "e.target"
    starts = frontier
    wanted = None
    if include.target is not None:
        if include.reverse:
            starts = [stored for stored in frontier if stored.type == include.target]
        else:
            wanted = TYPE_NUMBERS[include.target]
    edges = sql("SELECT " + far + " AS key, %s::smallint AS type FROM search_reference e", wanted)
    edges = edges + sql(
        " WHERE " + near + " = ANY(%s::bigint[])", [stored.key for stored in starts]
    )
    if include.parameters is None:
        return edges
    return edges & sql("e.parameter = ANY(%s::bigint[])", list(include.parameters))
