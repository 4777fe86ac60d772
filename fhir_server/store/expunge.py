"""Expunging: rows removed for good, history, index, events and answers with them."""

from collections.abc import Collection

from fhir_server.store.resource_types import RESOURCE_TYPES, TYPE_NUMBERS
from fhir_server.store.resources import NOTE_CHANGED_BLOCKS, Connection

_BY_KEY = (
    "resource_history", "search_date", "search_number", "search_quantity", "search_string",
    "search_reference", "subscription", "subscription_event", "subscription_delivery",
)  # fmt: skip


def keys_with_history(connection: Connection, resource_type: str, limit: int) -> list[int]:
    """Keys of resources of a type that have superseded versions."""
    rows = connection.execute(
        "SELECT DISTINCT key FROM resource_history WHERE type = %s LIMIT %s",
        (TYPE_NUMBERS[resource_type], limit),
    ).fetchall()
    return [row[0] for row in rows]


def ids_of_type(
    connection: Connection, resource_type: str, limit: int, *, deleted_only: bool
) -> list[str]:
    """Ids of resources of a type, deleted ones among them or alone."""
    rows = connection.execute(
        "SELECT id FROM resource WHERE type = %s AND (deleted OR NOT %s) LIMIT %s",
        (TYPE_NUMBERS[resource_type], deleted_only, limit),
    ).fetchall()
    return [row[0] for row in rows]


def expunge_history(connection: Connection, keys: Collection[int]) -> int:
    """Remove the superseded versions of resources; how many there were."""
    ordered = sorted(keys)
    _forget_answers(connection, ordered)
    return connection.execute(
        "DELETE FROM resource_history WHERE key = ANY(%s)", (ordered,)
    ).rowcount


def expunge_resources(connection: Connection, keys: Collection[int]) -> int:
    """Remove resources and all that is known of them; how many versions there were."""
    ordered = sorted(keys)
    _forget_answers(connection, ordered)
    connection.execute(
        "DELETE FROM subscription_event e USING resource r "
        "WHERE r.key = ANY(%s) AND e.type = r.type AND e.id = r.id",
        (ordered,),
    )
    versions = 0
    for table in _BY_KEY:
        removed = connection.execute(
            f"DELETE FROM {table} WHERE key = ANY(%s)",
            (ordered,),
        ).rowcount
        versions += removed if table == "resource_history" else 0
    gone = connection.execute(
        "WITH written AS (DELETE FROM resource WHERE key = ANY(%s) RETURNING key, sequence), "
        "noted AS (" + NOTE_CHANGED_BLOCKS + ") SELECT key FROM written",
        (ordered,),
    )
    return versions + gone.rowcount


def _forget_answers(connection: Connection, keys: Collection[int]) -> None:
    """Remove kept answers, of transactions and of background jobs, that speak of these resources: they may
    hold their content.
    """
    rows = connection.execute(
        "SELECT type, id FROM resource WHERE key = ANY(%s)", (list(keys),)
    ).fetchall()
    names = [f"/{RESOURCE_TYPES[kind]}/{name}".encode() for kind, name in rows]
    connection.execute(
        "DELETE FROM transaction_receipt WHERE EXISTS "
        "(SELECT FROM unnest(%s::bytea[]) AS n (name) WHERE position(n.name IN answer) > 0)",
        (names,),
    )
    connection.execute(
        "WITH gone AS (DELETE FROM background_job WHERE id IN (SELECT job FROM background_part p WHERE "
        "EXISTS (SELECT FROM unnest(%s::bytea[]) AS n (name) WHERE position(n.name IN p.content) > 0)) "
        "AND ended IS NOT NULL RETURNING id) "
        "DELETE FROM background_part WHERE job IN (SELECT id FROM gone)",
        (names,),
    )
