"""Criteria matched: for conditional interactions and references, any number at a time.

Most criteria ask for one token, an identifier; all of them together take one statement. Others take one
each.
"""

from collections.abc import Collection, Sequence
from typing import Any, LiteralString

import psycopg

from fhir_server.search.conditions import Conditions
from fhir_server.search.plan import Plan
from fhir_server.search.predicates import HasToken
from fhir_server.search.request import SearchRequest
from fhir_server.search.run import match_resources, run_fragment
from fhir_server.search.select import COLUMNS, plan_request, stored_resource
from fhir_server.search.settled import settled
from fhir_server.search.sql import join, sql
from fhir_server.store.arrays import array_text
from fhir_server.store.resources import StoredResource

Connection = psycopg.Connection[Any]

TOGETHER = 50
"""How many searches `matching_keys` puts into one statement."""

LIMIT = 2
"""Two matches are as good as many: the criteria are not met by one resource."""


def match_each(
    connection: Connection, requests: Sequence[SearchRequest], limit: int = LIMIT
) -> list[list[StoredResource]]:
    """Up to `limit` matches of each search, in the order of the searches.

    Shape: what is asked for by id, with no element but the id (`_elements=id`), comes without its body.
    Cost: one statement for all that ask for tokens only, one for all that ask for ids, one for each other.
    """
    found: list[list[StoredResource]] = [[] for _ in requests]
    contained: dict[int, Sequence[int]] = {}
    overlapping: dict[int, Sequence[int]] = {}
    keyed: dict[int, Collection[int]] = {}
    for position, request in enumerate(requests):
        token = _only_token(request)
        if token is not None:
            contained[position] = (token,)
            continue
        plan = plan_request(settled(connection, request))
        if _asks_for_tokens_only(plan) and not plan.overlaps:
            contained[position] = plan.contains
        elif _asks_for_tokens_only(plan) and not plan.contains and len(plan.overlaps) == 1:
            overlapping[position] = plan.overlaps[0]
        elif plan.keys is not None and len(plan.keys) <= limit and _asks_for_keys_only(plan):
            keyed[position] = plan.keys
        else:
            found[position] = match_resources(connection, request, limit)
    _match_tokens(connection, "@>", contained, found, limit)
    _match_tokens(connection, "&&", overlapping, found, limit)
    bare = {position for position in keyed if requests[position].elements == ("id",)}
    _match_keys(connection, keyed, bare, found)
    return found


def matching_keys(
    connection: Connection, requests: Sequence[SearchRequest], keys: Collection[int]
) -> list[set[int]]:
    """Which of the resources with these keys each search matches, in the order of the searches.

    Cost: one statement for each TOGETHER searches.
    """
    found: list[set[int]] = [set() for _ in requests]
    ordered = sorted(keys)
    for start in range(0, len(requests), TOGETHER):
        parts = [
            sql("SELECT %s::int, r.key FROM resource r WHERE r.key = ANY(%s::bigint[]) AND ",
                position, ordered)
            + Conditions().of_plan(plan_request(settled(connection, requests[position])), "r")
            for position in range(start, min(start + TOGETHER, len(requests)))
        ]  # fmt: skip
        for position, key in run_fragment(connection, join(" UNION ALL ", parts)):
            found[position].add(key)
    return found


def _only_token(request: SearchRequest) -> int | None:
    """The token, where a search asks for one and nothing else; it needs no plan."""
    match request.predicate.predicates:
        case (HasToken(any_of=(token,)),):
            return token
    return None


def _asks_for_tokens_only(plan: Plan) -> bool:
    # A token belongs to one resource type and to no deleted resource.
    asks_for_more = plan.keys is not None or _asks_for_rows(plan)
    return bool(plan.contains or plan.overlaps) and not asks_for_more


def _asks_for_keys_only(plan: Plan) -> bool:
    # A key belongs to one resource type.
    return not (plan.contains or plan.overlaps or _asks_for_rows(plan))


def _asks_for_rows(plan: Plan) -> bool:
    return bool(plan.excluded or plan.updated or plan.ranges or plan.others)


def _match_tokens(
    connection: Connection,
    operator: LiteralString,
    tokens: dict[int, Sequence[int]],
    found: list[list[StoredResource]],
    limit: int,
) -> None:
    if not tokens:
        return
    with connection.pipeline():
        # The planner does not know the tokens. For two rows of a common one it would read the table from
        # its start, and most criteria match nothing: it would read all of it, each time.
        connection.execute("SET LOCAL enable_seqscan = off")
        cursor = connection.execute(
            "SELECT " + COLUMNS + ", asked.position "
            "FROM unnest(%s::int[], %s::text[]) AS asked (position, tokens), LATERAL ("
            "SELECT * FROM resource WHERE tokens "
            + operator
            + " asked.tokens::bigint[] LIMIT %s) r",
            (
                list(tokens),
                [array_text(values) for values in tokens.values()],
                limit,
            ),
        )
        connection.execute("SET LOCAL enable_seqscan = on")
        rows = cursor.fetchall()
    for row in rows:
        found[row[-1]].append(stored_resource(row))


def _match_keys(
    connection: Connection,
    keyed: dict[int, Collection[int]],
    bare: Collection[int],
    found: list[list[StoredResource]],
) -> None:
    if not keyed:
        return
    asked = [(position, key, position in bare) for position, keys in keyed.items() for key in keys]
    # A body that is not asked for is not read: that of a document has megabytes.
    rows = connection.execute(
        "SELECT "
        + COLUMNS.removesuffix("r.body")
        + "CASE WHEN asked.bare THEN NULL ELSE r.body END,"
        " asked.position "
        "FROM unnest(%s::int[], %s::bigint[], %s::bool[]) AS asked (position, key, bare) "
        "JOIN resource r ON r.key = asked.key WHERE NOT r.deleted",
        [list(column) for column in zip(*asked, strict=True)],
    ).fetchall()
    for row in rows:
        found[row[-1]].append(stored_resource(row))
