"""Contained resources as rows of their own, for searches with `_contained`.

A contained resource has a key, made of its container's name and its own id, and index rows under it. The
numbers of its search parameters are others than those of stored resources (`CONTAINED`), so that no search
for stored resources meets them.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fhir_server.model.json_source import parse_stored
from fhir_server.store.arrays import array_text
from fhir_server.store.index_rows import replace_rows
from fhir_server.store.keys import hash64
from fhir_server.store.resource_types import TYPE_NUMBERS
from fhir_server.store.resources import (
    Connection,
    IndexRows,
    NewVersion,
    forget_rows,
    insert_rows,
)

_MARK = b'"contained":'


@dataclass(frozen=True, slots=True)
class ContainedResource:
    """A contained resource by its own id, and what search knows of it."""

    key: int
    type: str
    id: str
    rows: IndexRows


def contained_key(container: str, contained_id: str) -> int:
    """The key of a contained resource. Shape: `container` is `Type/id`."""
    return hash64(f"{container}#{contained_id}")


def contained_in(resource: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The contained resources that can be told apart: of a known type, with an id."""
    listed = resource.get("contained")
    for one in listed if isinstance(listed, list) else ():
        if (
            isinstance(one, dict)
            and one.get("resourceType") in TYPE_NUMBERS
            and isinstance(one.get("id"), str)
        ):
            yield one


def write_contained(
    connection: Connection,
    versions: Sequence[NewVersion],
    contained: Mapping[int, Sequence[ContainedResource]],
) -> None:
    """Write what new versions contain, in place of what those they replace did.

    Shape: `contained` by the key of the container.
    Cost: no statement where neither contains anything, else fifteen at most.
    """
    gone = [key for version in versions for key in _keys_before(version)]
    if not gone and not contained:
        return
    with connection.pipeline():
        if gone:
            forget_rows(connection, gone)
            connection.execute("DELETE FROM contained_resource WHERE key = ANY(%s)", (gone,))
        insert_rows(
            connection, [(one.key, one.rows) for each in contained.values() for one in each]
        )
        _insert(connection, contained)


def replace_contained(
    connection: Connection,
    containers: Collection[int],
    contained: Mapping[int, Sequence[ContainedResource]],
) -> None:
    """Make the rows of what these containers, whose rows are locked, contain those that are wanted."""
    found = connection.execute(
        "DELETE FROM contained_resource WHERE container = ANY(%s) RETURNING key",
        (list(containers),),
    ).fetchall()
    keys = {row[0] for row in found}
    wanted = {one.key: one.rows for each in contained.values() for one in each}
    if gone := sorted(keys - wanted.keys()):
        forget_rows(connection, gone)
    replace_rows(connection, wanted)
    _insert(connection, contained)


def _insert(connection: Connection, contained: Mapping[int, Sequence[ContainedResource]]) -> None:
    rows = [(one.key, key, TYPE_NUMBERS[one.type], one.id, array_text(one.rows.tokens))
            for key, each in contained.items() for one in each]  # fmt: skip
    if rows:
        connection.execute(
            "INSERT INTO contained_resource (key, container, type, id, tokens) "
            "SELECT key, container, type, id, tokens::bigint[] FROM unnest("
            "%s::bigint[], %s::bigint[], %s::smallint[], %s::text[], %s::text[]) "
            "AS new (key, container, type, id, tokens)",
            [list(column) for column in zip(*rows, strict=True)],
        )


def _keys_before(version: NewVersion) -> Iterator[int]:
    old = version.replaces
    if old is not None and old.body is not None and _MARK in old.body:
        for one in contained_in(parse_stored(old.body)):
            yield contained_key(f"{old.type}/{old.id}", one["id"])
