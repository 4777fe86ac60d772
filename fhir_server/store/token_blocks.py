"""Totals without reading all matches: where the resources with a token stand, as bits.

A block is 1,024 places in the order of storing; `token_block` holds a bit for each place of it, for tokens
(and types) whose totals were asked for. Every write of a resource adds its block to `changed_block`, in its
own transaction. A total adds the bits of the other blocks and reads the changed ones, in one snapshot, so it
is exact at every moment (decision 37).

`keep_token_blocks` counts changed blocks anew and forgets that they had changed. What its snapshot does not
see stays noted: a block is left out of the changed ones only where its bits know all changes. One process
works at a time, under a lock that is taken before the snapshot.
"""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import LiteralString

from psycopg.pq import TransactionStatus

from fhir_server.store.arrays import array_text
from fhir_server.store.blocks import BLOCK, ONE_PLACE
from fhir_server.store.resources import Connection

MOST_KEPT = 200
"""How many tokens are kept at a time: a hundredth of the size of their resources, if they are common."""
KEPT_DAYS = 30
"""After so many days a token is forgotten; who still asks for its total makes it known again."""
BLOCKS_AT_ONCE = 500

_COUNT_TOKENS: LiteralString = (
    "INSERT INTO token_block (token, block, places) "
    "SELECT k.token, r." + BLOCK + ", bit_or(" + ONE_PLACE + ") "
    "FROM resource r, unnest(r.tokens) AS t (token) JOIN kept_token k ON k.token = t.token "
    "WHERE k.built AND ARRAY[r." + BLOCK + "] && %s::bigint[] GROUP BY 1, 2"
)
_COUNT_TYPES: LiteralString = (
    "INSERT INTO token_block (token, block, places) "
    "SELECT k.token, r." + BLOCK + ", bit_or(" + ONE_PLACE + ") "
    "FROM resource r JOIN kept_token k ON k.type = r.type "
    "WHERE NOT r.deleted AND k.built AND ARRAY[r." + BLOCK + "] && %s::bigint[] GROUP BY 1, 2"
)
_BUILD_TOKEN: LiteralString = (
    "INSERT INTO token_block (token, block, places) "
    "SELECT %s::bigint, r." + BLOCK + ", bit_or(" + ONE_PLACE + ") "
    "FROM resource r WHERE r.tokens @> ARRAY[%s]::bigint[] GROUP BY 2"
)
_BUILD_TYPE: LiteralString = (
    "INSERT INTO token_block (token, block, places) "
    "SELECT %s::bigint, r." + BLOCK + ", bit_or(" + ONE_PLACE + ") "
    "FROM resource r WHERE r.type = %s AND NOT r.deleted GROUP BY 2"
)


def ask_for_totals(connection: Connection, tokens: Collection[int], types: Collection[int]) -> None:
    """Note tokens, and types by their numbers, whose totals should be quick from now on.

    Inside of a transaction nothing is noted: who asks for the same would have to wait for its end.
    """
    if connection.info.transaction_status != TransactionStatus.IDLE:
        return
    connection.execute(
        "INSERT INTO kept_token (token, type) SELECT token, type FROM ("
        "SELECT unnest(%s::bigint[]) AS token, NULL::smallint AS type "
        "UNION ALL SELECT number, number FROM unnest(%s::smallint[]) AS number) asked "
        "WHERE (SELECT count(*) FROM kept_token) < %s ORDER BY token ON CONFLICT DO NOTHING",
        (array_text(tokens), array_text(types), MOST_KEPT),
    )


def keep_token_blocks(connection: Connection) -> None:
    """Count changed blocks anew, and blocks of tokens that were asked for.

    Shape: the connection is in no transaction.
    Cost: 20 ms a changed block while tokens are kept; a second for each million resources with a new token.
    """
    while _count_changed(connection) == BLOCKS_AT_ONCE:
        pass
    asked = connection.execute("SELECT token, type FROM kept_token WHERE NOT built").fetchall()
    for token, number in asked:
        _build(connection, token, number)
    _forget_old(connection)


@contextmanager
def _alone(connection: Connection) -> Iterator[None]:
    """A transaction with one snapshot, taken when no other process works at the blocks any more."""
    with connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        # A token of very many resources takes longer than a client would wait.
        connection.execute("SET LOCAL statement_timeout = 0")
        connection.execute("LOCK TABLE token_block IN SHARE ROW EXCLUSIVE MODE")
        yield


def _count_changed(connection: Connection) -> int:
    """Count some blocks anew; how many they were."""
    with _alone(connection):
        rows = connection.execute(
            "SELECT DISTINCT block FROM changed_block LIMIT %s", (BLOCKS_AT_ONCE,)
        ).fetchall()
        changed = array_text(row[0] for row in rows)
        if rows:
            connection.execute(
                "DELETE FROM token_block WHERE token IN (SELECT token FROM kept_token) "
                "AND block = ANY(%s::bigint[])",
                (changed,),
            )
            connection.execute(_COUNT_TOKENS, (changed,))
            connection.execute(_COUNT_TYPES, (changed,))
            connection.execute(
                "DELETE FROM changed_block WHERE block = ANY(%s::bigint[])", (changed,)
            )
    return len(rows)


def _build(connection: Connection, token: int, number: int | None) -> None:
    with _alone(connection):
        # Another process may have built it while this one waited to be alone.
        noted = connection.execute(
            "UPDATE kept_token SET built = TRUE WHERE token = %s AND NOT built", (token,)
        )
        if noted.rowcount:
            connection.execute(_BUILD_TOKEN if number is None else _BUILD_TYPE, (token, token))


def _forget_old(connection: Connection) -> None:
    with _alone(connection):
        connection.execute(
            "WITH old AS (DELETE FROM kept_token WHERE since < now() - make_interval(days => %s) "
            "RETURNING token) DELETE FROM token_block WHERE token IN (SELECT token FROM old)",
            (KEPT_DAYS,),
        )
