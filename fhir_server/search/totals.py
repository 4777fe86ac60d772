"""The exact total of a search for common tokens, by the bits of `store/token_blocks.py`.

The bits of each group of tokens, block by block, are joined by "and", "or" and "not" as the search joins the
tokens; blocks that have changed since are read. The statement finds out by itself, in the same snapshot,
whether all tokens are kept, and counts plainly otherwise.
"""

from dataclasses import dataclass
from typing import Any, LiteralString

import psycopg

from fhir_server.search.plan import Plan, asks_for_tokens_alone
from fhir_server.search.request import SearchRequest
from fhir_server.search.select import count_of, plan_request
from fhir_server.search.sql import Fragment, alias, join, sql
from fhir_server.store.blocks import BLOCK, NO_PLACES
from fhir_server.store.token_blocks import ask_for_totals
from fhir_server.store.token_statistics import TokenStatistics, token_statistics

LEAST_ROWS = 20_000
"""In so small a store all totals are quick."""
LEAST_SHARE = 1 / 512
"""Two matches a block: rarer tokens are found by their index as quickly."""
MOST_CHANGED = 100
"""Where more blocks have changed, their resources are no fewer than all matches."""


@dataclass(frozen=True, slots=True)
class Planes:
    """Groups of tokens, types under their numbers: each of `wanted` must have one of its group, none of
    `excluded`.
    """

    wanted: tuple[tuple[int, ...], ...]
    excluded: tuple[int, ...]
    types: tuple[int, ...]

    @property
    def tokens(self) -> frozenset[int]:
        """All of them."""
        return frozenset(one for group in (*self.wanted, self.excluded) for one in group)


def total_of(connection: psycopg.Connection[Any], request: SearchRequest) -> int:
    """How many resources match. Cost: one statement; one more to note tokens that should be kept."""
    plan = plan_request(request)
    planes = planes_of(plan, token_statistics(connection))
    if planes is None:
        return int(_one(connection, count_of(plan))[0])
    total, is_kept = _one(connection, select_total(plan, planes))
    if not is_kept:
        ask_for_totals(connection, planes.tokens.difference(planes.types), planes.types)
    return int(total)


def _one(connection: psycopg.Connection[Any], statement: Fragment) -> tuple[Any, ...]:
    row: tuple[Any, ...] | None = connection.execute(
        statement.text, statement.parameters
    ).fetchone()
    assert row is not None  # noqa: S101 — a count has one row
    return row


def planes_of(plan: Plan, known: TokenStatistics) -> Planes | None:
    """The groups of a plan that asks for common tokens and types alone; None for any other."""
    if known.rows < LEAST_ROWS or plan.is_narrowed or not asks_for_tokens_alone(plan):
        return None
    wanted = [*((token,) for token in plan.contains), *plan.overlaps]
    types: tuple[int, ...] = ()
    if not wanted:
        # A token belongs to one type and to no deleted resource; without one, the type is asked itself.
        types = tuple(sorted(plan.types or ()))
        if not types:
            return None
        wanted = [types]
    planes = Planes(tuple(wanted), tuple(plan.excluded), types)
    shares = known.types if types else known.shares
    if any(shares.get(one, 0.0) < LEAST_SHARE for group in wanted for one in group):
        return None
    if any(known.shares.get(one, 0.0) < LEAST_SHARE for one in planes.excluded):
        return None
    return planes


def select_total(plan: Plan, planes: Planes) -> Fragment:
    """The total, and whether the bits gave it.

    Shape: one row. PostgreSQL carries out only the branch of CASE that is taken.
    """
    tokens = sorted(planes.tokens)
    return (
        sql("WITH changed AS MATERIALIZED (SELECT DISTINCT block FROM changed_block), ")
        + sql("kept AS MATERIALIZED ("
              "SELECT count(*) = %s::int AND (SELECT count(*) FROM changed) <= %s::int AS is_kept "
              "FROM kept_token WHERE built AND token = ANY(%s::bigint[])) ",
              len(tokens), MOST_CHANGED, tokens)
        + sql("SELECT CASE WHEN is_kept THEN (") + _by_bits(planes)
        + sql(") + (") + count_of(plan) + _IN_CHANGED
        + sql(") ELSE (") + count_of(plan) + sql(") END, is_kept FROM kept")
    )  # fmt: skip


_IN_CHANGED = sql(" AND ARRAY[r." + BLOCK + "]") + sql(" && ARRAY(SELECT block FROM changed)")


def _by_bits(planes: Planes) -> Fragment:
    """How many places have all that is wanted and nothing that is excluded, in blocks that have not changed.

    Shape: for two groups, `WITH p0 AS (…), p1 AS (…) SELECT sum(bit_count(p0.places & p1.places)) FROM p0
    JOIN p1 USING (block) WHERE …`.
    """
    names = [alias("p", number) for number in range(len(planes.wanted))]
    groups = list(zip(names, planes.wanted, strict=True))
    bits: LiteralString = " & ".join(name + ".places" for name in names)
    joined: LiteralString = names[0] + "".join(
        " JOIN " + name + " USING (block)" for name in names[1:]
    )
    if planes.excluded:
        groups.append(("x", planes.excluded))
        bits += " & ~ coalesce(x.places, " + NO_PLACES + ")"
        joined += " LEFT JOIN x USING (block)"
    planned = [sql(name + " AS (") + _plane(group) + sql(")") for name, group in groups]
    return (
        sql("WITH ") + join(", ", planned)
        + sql(" SELECT coalesce(sum(bit_count(" + bits + ")), 0)::bigint")
        + sql(" FROM " + joined) + sql(" WHERE block NOT IN (SELECT block FROM changed)")
    )  # fmt: skip


def _plane(group: tuple[int, ...]) -> Fragment:
    if len(group) == 1:
        return sql("SELECT block, places FROM token_block WHERE token = %s::bigint", group[0])
    return sql(
        "SELECT block, bit_or(places) AS places FROM token_block "
        "WHERE token = ANY(%s::bigint[]) GROUP BY block",
        list(group),
    )
