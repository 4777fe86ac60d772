"""References as edges: which targets exist, and who refers to a resource."""

from collections.abc import Iterable, Sequence

from fhir_server.store.resource_types import RESOURCE_TYPES
from fhir_server.store.resources import Connection


def hold_existing(connection: Connection, keys: Iterable[int]) -> set[int]:
    """Those of the keys that name a resource which is not deleted; nobody can delete them until the
    transaction ends.
    """
    ordered = sorted(set(keys))
    if not ordered:
        return set()
    rows = connection.execute(
        "SELECT key FROM resource WHERE key = ANY(%s) AND NOT deleted ORDER BY key FOR KEY SHARE",
        (ordered,),
    ).fetchall()
    return {row[0] for row in rows}


def referring_resources(
    connection: Connection, targets: Sequence[int], *, limit: int
) -> list[tuple[int, str, str]]:
    """Resources that refer to one of the targets: the target's key, their type and id.

    Shape: references that a search parameter covers; those are the ones with an edge. What a contained
    resource refers to, its container refers to.
    """
    if not targets:
        return []
    rows = connection.execute(
        "SELECT DISTINCT s.target, r.type, r.id FROM search_reference s "
        "LEFT JOIN contained_resource c ON c.key = s.key "
        "JOIN resource r ON r.key = coalesce(c.container, s.key) "
        "WHERE s.target = ANY(%s) AND NOT r.deleted ORDER BY r.type, r.id LIMIT %s",
        (list(targets), limit),
    ).fetchall()
    return [(target, RESOURCE_TYPES[number], resource_id) for target, number, resource_id in rows]
