"""Which way a page without `_sort` is read, so that its cost does not grow with the number of matches.

| way | for | order |
|---|---|---|
| in blocks | tokens that many have: the first matches stand in the first blocks of places | of storing |
| by key | one range, string or link: keys come from an index, resources for the page alone | of keys |
| plainly | everything else, and where there are very many keys | of storing |

Both orders never change, so that pages are stable while others write; a cursor says which one its search
began in.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import LiteralString

from fhir_server.search.comparisons import equals_any, has_trigram
from fhir_server.search.conditions import Conditions
from fhir_server.search.plan import Plan, RangeGroup, asks_for_tokens_alone, plan_predicate
from fhir_server.search.predicates import Chained, HasString, ReferredTo
from fhir_server.search.request import SearchRequest
from fhir_server.search.select import COLUMN_COUNT, COLUMNS, plan_request
from fhir_server.search.settled import unless_noted
from fhir_server.search.sql import Fragment, sql
from fhir_server.store.blocks import BLOCK, BLOCK_BITS, FIRST_PLACE
from fhir_server.store.keys import KEY_SECTION_BITS
from fhir_server.store.token_statistics import TokenStatistics

MOST_KEYS = 10_000
"""Where more keys match, matches are so common that the order of storing soon gives a page."""
MOST_LINKED = 1_000
"""The same for links, which cost more for each key."""
MOST_BLOCKS = 128
LEAST_IN_SECTIONS = 100_000
"""In a smaller store a section of keys holds few matches, and all are read as quickly."""
LEAST_MATCHES = 200
"""So few matches are read quickly in any way."""
MARGIN = 2.5
"""How many times the matches wanted are expected in the blocks that are read."""

Lone = RangeGroup | HasString | Chained | ReferredTo
Statistics = Callable[[], TokenStatistics]


@dataclass(frozen=True, slots=True)
class ByKey:
    """Keys first, by the one criterion there is; from one section of keys where these are `in_sections`, and
    all behind them only where it holds too few.
    """

    criterion: Lone
    in_sections: bool = False

    def section(self, after: int | None) -> int | None:
        """Where to begin; None where keys are not in sections."""
        if not self.in_sections:
            return None
        return (after if after is not None else -1 << 63) >> KEY_SECTION_BITS


@dataclass(frozen=True, slots=True)
class InBlocks:
    """So many blocks first."""

    blocks: int


Way = ByKey | InBlocks | None
"""None for plainly."""


def way_of(request: SearchRequest, limit: int, statistics: Statistics) -> Way:
    """How a page is best read; by key only where it is the first one."""
    if request.sort or request.contained is not None or request.resource_type is None:
        return None
    plan = plan_request(request)
    by_key = by_key_of(plan, statistics)
    if by_key is not None:
        return by_key if _has_few_links(by_key.criterion, statistics) else None
    if plan.is_narrowed or not (plan.contains or plan.overlaps):
        return None
    if not asks_for_tokens_alone(plan):
        return None
    blocks = _blocks(plan, limit, statistics())
    return None if blocks is None else InBlocks(blocks)


def by_key_of(plan: Plan, statistics: Statistics) -> ByKey | None:
    """By the only thing that a plan asks for beside the type, where it has an index with keys."""
    if _asks_of_row(plan) or len(plan.ranges) + len(plan.others) != 1:
        return None
    lone = [*plan.ranges, *plan.others][0]
    if not isinstance(lone, Lone):
        return None
    in_parts = isinstance(lone, HasString) and has_trigram(lone)
    return ByKey(lone, in_sections=in_parts and statistics().rows >= LEAST_IN_SECTIONS)


def _asks_of_row(plan: Plan) -> bool:
    asks = plan.contains or plan.overlaps or plan.excluded or plan.updated
    return bool(asks) or plan.keys is not None


def _has_few_links(lone: Lone, statistics: Statistics) -> bool:
    """Whether few resources are expected at the near end; True for what is no link."""
    if not isinstance(lone, Chained | ReferredTo):
        return True
    far = plan_predicate(lone.target if isinstance(lone, Chained) else lone.source)
    if not far.contains:
        return False
    known = statistics()
    return min(known.expected(token) for token in far.contains) <= MOST_LINKED


def _blocks(plan: Plan, limit: int, known: TokenStatistics) -> int | None:
    """How many blocks hold a page, if its tokens have nothing to do with each other."""
    assert plan.types is not None  # noqa: S101 — the search is of one type
    share_of_type = known.types.get(min(plan.types))
    if not share_of_type or any(token not in known.shares for token in plan.contains):
        return None
    share = 1.0
    for token in plan.contains:
        share *= min(known.shares[token] / share_of_type, 1.0)
    for tokens in plan.overlaps:
        share *= min(sum(known.shares.get(one, 0.0) for one in tokens) / share_of_type, 1.0)
    for token in plan.excluded:
        share *= max(1.0 - known.shares.get(token, 0.0) / share_of_type, 0.0)
    share *= share_of_type
    if known.rows * share < LEAST_MATCHES:
        return None
    # One more, for the first one is met anywhere within.
    blocks = math.ceil(MARGIN * limit / share / (1 << BLOCK_BITS)) + 1
    return blocks if blocks <= MOST_BLOCKS else None


def select_by_key(
    request: SearchRequest, way: ByKey, after: int | None, limit: int, section: int | None = None
) -> Fragment:
    """The first matches by their keys, of one section if it is named.

    Shape: rows of the columns of `resource`, null where a key is that of no such resource; the key, null
    where there is none; and whether there are more than MOST_KEYS keys, and hence none given; a row of nulls
    where the request supposes wrongly. A search that has begun in this way goes on in it, however many there
    are.
    """
    keys, many = _keys(way.criterion, section), sql("FALSE")
    if after is None:
        keys = keys + sql(" LIMIT %s::int", MOST_KEYS + 1)
        many = sql("EXISTS (SELECT FROM c OFFSET %s::int)", MOST_KEYS)
    behind = sql("") if after is None else sql(" WHERE c.key > %s::bigint", after)
    each: LiteralString = "c.key" if _gives_each_key_once(way.criterion) else "DISTINCT c.key"
    of_type = equals_any("r.type", "smallint", sorted(plan_request(request).types or ()))
    page = (
        sql("WITH c AS MATERIALIZED (") + keys
        + sql("), n AS MATERIALIZED (SELECT ") + many + sql(" AS many) ")
        + sql("SELECT " + COLUMNS + ", p.key, n.many FROM n ")
        + sql("LEFT JOIN (SELECT " + each + " FROM c") + behind
        + sql(" ORDER BY c.key LIMIT %s::int) p ON NOT n.many ", limit)
        + sql("LEFT JOIN resource r ON r.key = p.key AND NOT r.deleted AND ") + of_type
        + sql(" ORDER BY p.key")
    )  # fmt: skip
    return unless_noted(page, COLUMN_COUNT + 2, request.supposed)


def _gives_each_key_once(criterion: Lone) -> bool:
    return isinstance(criterion, RangeGroup) and criterion.first.is_single


def last_key_of(section: int) -> int:
    """The greatest key there may be in a section."""
    return ((section + 1) << KEY_SECTION_BITS) - 1


def _keys(criterion: Lone, section: int | None) -> Fragment:
    conditions = Conditions()
    if isinstance(criterion, HasString):
        return conditions.keys_of_string(criterion, section)
    if isinstance(criterion, RangeGroup):
        return conditions.keys_in_range(criterion)
    keys = conditions.keys_of(criterion)
    assert keys is not None  # noqa: S101 — strings and links have keys
    return keys


def select_in_blocks(
    request: SearchRequest, way: InBlocks, after: int | None, limit: int
) -> Fragment:
    """The first matches in the order of storing: out of the blocks that follow, and where these hold too
    few of them out of all that come behind.

    Shape: rows of the columns of `resource` and the place.
    """
    plan = plan_request(request)
    where = Conditions().of_plan(plan, "r") + _behind(after)
    page = sql("SELECT " + COLUMNS + ", r.sequence FROM resource r WHERE ") + where
    ordered = sql(" ORDER BY r.sequence LIMIT %s::int", limit)
    return (
        sql("WITH b AS MATERIALIZED (") + _first_blocks(plan, way.blocks, after) + sql("), ")
        + sql("w AS MATERIALIZED (") + page + _IN_BLOCKS + ordered + sql(") ")
        + sql("SELECT * FROM w UNION ALL (") + page + _BEHIND_BLOCKS
        + sql(" AND (SELECT count(*) FROM w) < %s::int", limit) + ordered + sql(") ")
        + sql("ORDER BY sequence LIMIT %s::int", limit)
    )  # fmt: skip


_IN_BLOCKS = sql(
    " AND ARRAY[r." + BLOCK + "] && ARRAY(SELECT generate_series(b.first, b.last) FROM b)"
    " AND r.sequence < (SELECT (b.last + 1)" + FIRST_PLACE + " FROM b)"
)
_BEHIND_BLOCKS = sql(" AND r.sequence >= (SELECT (b.last + 1)" + FIRST_PLACE + " FROM b)")


def _first_blocks(plan: Plan, blocks: int, after: int | None) -> Fragment:
    """The blocks to read, the first of them that which holds the next resource of the type."""
    return (
        sql("SELECT r." + BLOCK + " AS first, (r." + BLOCK + ") + %s::bigint AS last ", blocks)
        + sql("FROM resource r WHERE NOT r.deleted AND ")
        + equals_any("r.type", "smallint", sorted(plan.types or ())) + _behind(after)
        + sql(" ORDER BY r.sequence LIMIT 1")
    )  # fmt: skip


def _behind(after: int | None) -> Fragment:
    return sql("") if after is None else sql(" AND r.sequence > %s::bigint", after)
