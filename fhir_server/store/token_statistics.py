"""How common tokens are, as PostgreSQL's ANALYZE last saw it.

Old figures make a search slower, never wrong: they only decide how its page is read.
Source: https://www.postgresql.org/docs/current/view-pg-stats.html
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from fhir_server.store.resources import Connection

FRESH_S = 600.0


@dataclass(frozen=True, slots=True)
class TokenStatistics:
    """Shape: `rows` of the table of resources; `shares` the part of them that has a token, for the tokens
    that many have; `types` the part of them that is of a type. All empty before the first ANALYZE.
    """

    rows: float = 0.0
    shares: Mapping[int, float] = field(default_factory=dict)
    types: Mapping[int, float] = field(default_factory=dict)

    def expected(self, token: int) -> float:
        """How many resources have a token; for one that few have, as many as the rarest known one."""
        least = min(self.shares.values(), default=1.0)
        return self.rows * self.shares.get(token, least)


DatabaseName = tuple[str, int, str]
"""Host, port and name."""

_known: dict[DatabaseName, tuple[float, TokenStatistics]] = {}
"""For all connections of this process: when read, and what."""


def database_name(connection: Connection) -> DatabaseName:
    """Which database a connection leads to, for what a process remembers of it."""
    info = connection.info
    return info.host, info.port, info.dbname


def token_statistics(connection: Connection) -> TokenStatistics:
    """The statistics of the connection's database. Cost: one statement each FRESH_S seconds."""
    database = database_name(connection)
    now = time.monotonic()
    known = _known.get(database)
    if known is None or now - known[0] > FRESH_S:
        known = _known[database] = (now, _read(connection))
    return known[1]


def _read(connection: Connection) -> TokenStatistics:
    row = connection.execute(
        "SELECT c.reltuples, t.most_common_elems::text::bigint[], t.most_common_elem_freqs, "
        "k.most_common_vals::text::smallint[], k.most_common_freqs FROM pg_class c "
        "LEFT JOIN pg_stats t ON t.tablename = c.relname AND t.schemaname = current_schema() "
        "AND t.attname = 'tokens' "
        "LEFT JOIN pg_stats k ON k.tablename = c.relname AND k.schemaname = current_schema() "
        "AND k.attname = 'type' WHERE c.oid = 'resource'::regclass"
    ).fetchone()
    if row is None:
        return TokenStatistics()
    rows, tokens, shares, types, parts = row
    # Behind the shares of the elements stand the least, the greatest, and that of no element.
    return TokenStatistics(
        rows=max(rows, 0.0),
        shares=dict(zip(tokens or (), shares or (), strict=False)),
        types=dict(zip(types or (), parts or (), strict=False)),
    )
