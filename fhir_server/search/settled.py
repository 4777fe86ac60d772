"""What only the store can tell, asked before a search is planned: what stands in a hierarchy, and whether any
reference leads to a contained resource at all.

A search without such predicates costs nothing here. The others are planned as if they had been asked for by
the tokens that were found, or without the part that nothing can meet.

That nothing is inside holds in most stores: a page supposes it, and its own statement, in the snapshot in
which it is read, tells where that is wrong (`unless_noted`). That something is inside stays true, and is
remembered.
"""

from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass, replace
from typing import Any, LiteralString

import psycopg

from fhir_server.model.issues import refuse
from fhir_server.search.comparisons import equals_any
from fhir_server.search.predicates import (
    AllOf,
    AnyOf,
    ByCanonical,
    Chained,
    ChainedInside,
    HasToken,
    Holds,
    InHierarchy,
    Not,
    Predicate,
    ReferredTo,
)
from fhir_server.search.request import SearchRequest
from fhir_server.search.sql import Fragment, bracket, sql
from fhir_server.store.token_statistics import DatabaseName, database_name

Connection = psycopg.Connection[Any]
Numbers = frozenset[int]

MOST_IN_HIERARCHY = 10_000
"""How many resources may be above or below the one that is asked for, itself included."""

_STEPS: Mapping[bool, LiteralString] = {
    False: "SELECT e.key FROM h JOIN search_reference e ON e.target = h.key",
    True: "SELECT e.target FROM h JOIN search_reference e ON e.key = h.key",
}


@dataclass(frozen=True, slots=True)
class _Known:
    """What the store told: keys of hierarchies, numbers by which something inside is referred to; None where
    it is not noted, which is of contained resources themselves.
    """

    hierarchies: Mapping[InHierarchy, tuple[int, ...]]
    inside: Set[int] | None


class SupposedWronglyError(Exception):
    """A page supposed that nothing is inside, and something is."""


_noted: dict[DatabaseName, Numbers] = {}
"""By what numbers something inside is referred to, as far as this process has met it."""


def settled(connection: Connection, request: SearchRequest) -> SearchRequest:
    """The same search without predicates that the store must be asked for.

    Errors: Refused(400) for a hierarchy of more than MOST_IN_HIERARCHY resources.
    Cost: nothing where there are none; else a statement for each hierarchy, and one for all chains.
    """
    asked = _asked_of_store(request)
    return (
        _with(connection, request, asked, _look_up(connection, _inside(asked)))
        if asked
        else request
    )


def supposed(connection: Connection, request: SearchRequest) -> SearchRequest:
    """The same, but a chain goes inside only where something is known to be there. What else it supposes
    stands in `supposed`, for its pages to tell.

    Errors: as `settled`. Cost: as `settled`, and nothing for chains.
    """
    asked = _asked_of_store(request)
    if not asked:
        return request
    inside = _inside(asked)
    known = inside & _noted.get(database_name(connection), frozenset())
    return replace(_with(connection, request, asked, known), supposed=inside - known)


def unless_noted(statement: Fragment, columns: int, numbers: Numbers) -> Fragment:
    """The statement, with a row of nulls more where something inside is referred to by one of the numbers.

    Shape: `columns` how many the statement gives, of which the last is never null.
    """
    if not numbers:
        return statement
    # In this order: no other process of PostgreSQL takes up a part that has an order and a limit.
    nulls: LiteralString = "NULL" + ", NULL" * (columns - 1)
    noted = equals_any("parameter", "bigint", sorted(numbers))
    return (
        bracket(statement)
        + sql(" UNION ALL SELECT " + nulls)
        + sql(" WHERE EXISTS (SELECT FROM search_code WHERE ")
        + noted + sql(")")
    )  # fmt: skip


def _asked_of_store(request: SearchRequest) -> list[InHierarchy | ChainedInside]:
    return [*_asked(request.predicate), *_asked(request.contained)]


def _inside(asked: Iterable[InHierarchy | ChainedInside]) -> Numbers:
    return frozenset(n for one in asked if isinstance(one, ChainedInside) for n in one.parameters)


def _with(
    connection: Connection,
    request: SearchRequest,
    asked: Iterable[InHierarchy | ChainedInside],
    inside: Numbers,
) -> SearchRequest:
    """The search as it is known that by these numbers, and no others, something inside is referred to."""
    known = _Known(
        {one: _members(connection, one) for one in asked if isinstance(one, InHierarchy)}, inside
    )
    contained = None if request.contained is None else _told_inside(request.contained, known)
    parts = tuple(_told(one, known) for one in request.predicate.predicates)
    return replace(request, predicate=AllOf(parts), contained=contained)


def _asked(predicate: Predicate | None) -> Iterator[InHierarchy | ChainedInside]:
    match predicate:
        case InHierarchy():
            yield predicate
        case ChainedInside(target=target):
            yield predicate
            yield from _asked(target)
        case AllOf(predicates=parts) | AnyOf(predicates=parts):
            for part in parts:
                yield from _asked(part)
        case (
            Not(predicate=inner) | Chained(target=inner) | ByCanonical(target=inner)
            | ReferredTo(source=inner)
        ):  # fmt: skip
            yield from _asked(inner)
        case Holds(contained=inner, itself=itself):
            yield from _asked(inner)
            yield from _asked(itself)


def _told(predicate: Predicate, known: _Known) -> Predicate:
    match predicate:
        case InHierarchy(parameters=parameters):
            keys = known.hierarchies[predicate]
            return HasToken(tuple(number ^ key for number in parameters for key in keys))
        case AllOf(predicates=parts):
            return AllOf(tuple(_told(part, known) for part in parts))
        case AnyOf(predicates=parts):
            left = tuple(_told(part, known) for part in parts if _is_possible(part, known))
            return left[0] if len(left) == 1 else AnyOf(left)
        case ChainedInside(target=inner):
            return replace(predicate, target=_told_inside(inner, known))
        case Chained(target=inner):
            return replace(predicate, target=_told(inner, known))
        case ByCanonical(target=inner):
            return replace(predicate, target=_told(inner, known))
        case Not(predicate=inner):
            return Not(_told(inner, known))
        case ReferredTo(source=inner):
            return replace(predicate, source=_told(inner, known))
        case Holds(contained=inner, itself=itself):
            own = None if itself is None else _told(itself, known)
            return Holds(_told_inside(inner, known), own)
    return predicate


def _told_inside(predicate: Predicate, known: _Known) -> Predicate:
    return _told(predicate, replace(known, inside=None))


def _is_possible(predicate: Predicate, known: _Known) -> bool:
    """Whether anything in the store may meet one of several alternatives."""
    if not isinstance(predicate, ChainedInside) or known.inside is None:
        return True
    return not known.inside.isdisjoint(predicate.parameters)


def _members(connection: Connection, asked: InHierarchy) -> tuple[int, ...]:
    """The keys of the roots and of all below or above them; UNION ends where a cycle closes."""
    statement = (
        sql("WITH RECURSIVE h (key) AS (SELECT unnest(%s::bigint[]) UNION ", list(asked.roots))
        + sql(_STEPS[asked.above] + " WHERE e.parameter = ANY(%s::bigint[])", list(asked.links))
        + sql(") SELECT key FROM h LIMIT %s", MOST_IN_HIERARCHY + 1)
    )
    rows = connection.execute(statement.text, statement.parameters).fetchall()
    if len(rows) > MOST_IN_HIERARCHY:
        raise refuse(400, "search-hierarchy-too-large", "too-costly", limit=MOST_IN_HIERARCHY)
    return tuple(row[0] for row in rows)


def _look_up(connection: Connection, numbers: Numbers) -> Numbers:
    """Those of the numbers by which some resource refers, or has referred, to what it contains."""
    name = database_name(connection)
    known = _noted.get(name, frozenset())
    if not numbers <= known:
        rows = connection.execute(
            "SELECT DISTINCT parameter FROM search_code WHERE parameter = ANY(%s::bigint[])",
            (sorted(numbers),),
        ).fetchall()
        known = _noted[name] = known.union(row[0] for row in rows)
    return numbers & known
