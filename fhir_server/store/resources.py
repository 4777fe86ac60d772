"""Resource rows: read, lock, write. Everything here works inside the caller's database transaction.

A write costs a bounded number of statements, however many resources it carries: the rows travel as
arrays and one statement takes them all.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from functools import cache
from typing import Any, LiteralString, Protocol

import msgspec
import psycopg

from fhir_server.store.arrays import (
    array_of_arrays,
    array_text,
    bytes_array,
    column_array,
    instants_array,
    quoted_array,
)
from fhir_server.store.blocks import BLOCK
from fhir_server.store.bodies import packed, unpacked
from fhir_server.store.keys import resource_key
from fhir_server.store.large_bytes import LargeBytes
from fhir_server.store.resource_types import RESOURCE_TYPES, TYPE_NUMBERS

Connection = psycopg.Connection[Any]


class StoredResource(msgspec.Struct, frozen=True, gc=False):
    """One version of a resource as it stands in the store. `body` is None for a deletion."""

    key: int
    type: str
    id: str
    version: int
    updated: datetime
    deleted: bool
    body: bytes | None


class Origin(IntEnum):
    """Which interaction made a version, where its number does not tell: the first is otherwise of a create,
    the others are of updates.
    """

    NUMBERED = 0
    UPDATE_AS_CREATE = 1
    PATCH = 2


class IndexRows(Protocol):
    """What search knows of a resource; `fhir_server.search` makes it."""

    @property
    def tokens(self) -> Sequence[int]: ...
    @property
    def dates(self) -> Sequence[tuple[int, int, int]]: ...
    @property
    def numbers(self) -> Sequence[tuple[int, Any, Any]]: ...
    @property
    def quantities(self) -> Sequence[tuple[int, int, Any, Any]]: ...
    @property
    def strings(self) -> Sequence[tuple[int, str, bool]]: ...
    @property
    def references(self) -> Sequence[tuple[int, int]]: ...
    @property
    def texts(self) -> Sequence[tuple[str]]: ...
    @property
    def codes(self) -> Sequence[tuple[int, int, str]]: ...


class NewVersion(msgspec.Struct, frozen=True):
    """A version to write. `replaces` is the row it supersedes, as `lock_resources` gave it; `rows` is None
    for a deletion.
    """

    resource: StoredResource
    replaces: StoredResource | None
    rows: IndexRows | None
    origin: Origin = Origin.NUMBERED


class WriteConflictError(RuntimeError):
    """Another transaction wrote one of the rows first; the whole transaction can be tried again."""


class KeyCollisionError(RuntimeError):
    """Two different resources have the same 64-bit key; the second cannot be stored under this id."""


COLUMNS = "key, type, id, version, updated, deleted, body"


def read_resource(
    connection: Connection, resource_type: str, resource_id: str
) -> StoredResource | None:
    """The current version, deleted or not; None where the id was never used."""
    key = resource_key(resource_type, resource_id)
    row = connection.execute(
        f"SELECT {COLUMNS} FROM resource WHERE key = %s", (key,), binary=True
    ).fetchone()
    stored = stored_resource(row) if row else None
    return stored if stored and (stored.type, stored.id) == (resource_type, resource_id) else None


def read_resources(connection: Connection, keys: Iterable[int]) -> dict[int, StoredResource]:
    """The current versions, deleted or not, by their keys; keys that were never used are left out."""
    rows = connection.execute(
        f"SELECT {COLUMNS} FROM resource WHERE key = ANY(%s::bigint[])",
        (array_text(keys),),
        binary=True,
    ).fetchall()
    return {row[0]: stored_resource(row) for row in rows}


def read_version(
    connection: Connection, resource_type: str, resource_id: str, version: int
) -> StoredResource | None:
    """One version, current or superseded; None where there is none."""
    key = resource_key(resource_type, resource_id)
    row = connection.execute(
        f"SELECT {COLUMNS} FROM resource WHERE key = %(key)s AND version = %(version)s "
        f"UNION ALL SELECT {COLUMNS} FROM resource_history "
        "WHERE key = %(key)s AND version = %(version)s",
        {"key": key, "version": version},
        binary=True,
    ).fetchone()
    stored = stored_resource(row) if row else None
    return stored if stored and (stored.type, stored.id) == (resource_type, resource_id) else None


def count_versions(connection: Connection, resource_type: str, resource_id: str) -> int:
    """How many versions of a resource there are: as many as it has had, less those expunged."""
    stored = read_resource(connection, resource_type, resource_id)
    if stored is None:
        return 0
    row = connection.execute(
        "SELECT count(*) FROM resource_history WHERE key = %s", (stored.key,)
    ).fetchone()
    return 1 + (row[0] if row else 0)


def lock_resources(connection: Connection, keys: Iterable[int]) -> dict[int, StoredResource]:
    """Lock the rows of these keys, in the one order all transactions share, and give those that exist."""
    ordered = sorted(set(keys))
    if not ordered:
        return {}
    rows = connection.execute(
        f"SELECT {COLUMNS} FROM resource WHERE key = ANY(%s) ORDER BY key FOR UPDATE",
        (ordered,),
    ).fetchall()
    return {row[0]: stored_resource(row) for row in rows}


MOST_SINGLE_LOCKS = 1000
"""PostgreSQL keeps all locks in one table of fixed size; a transaction that needs more takes them all."""

_ALL_CRITERIA = 7_221_650_119_335_241_083


def lock_criteria(connection: Connection, hashes: Iterable[int]) -> None:
    """Hold, until the transaction ends, the advisory locks of search criteria, in one shared order.

    Shape: everyone shares the lock of all criteria and holds those asked for; who needs more than
    MOST_SINGLE_LOCKS holds the lock of all criteria alone instead.
    """
    ordered = sorted(set(hashes))
    if not ordered:
        return
    if len(ordered) > MOST_SINGLE_LOCKS:
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (_ALL_CRITERIA,))
        return
    connection.execute(
        "SELECT pg_advisory_xact_lock_shared(%s)",
        (_ALL_CRITERIA,),
    )
    connection.execute(
        "SELECT pg_advisory_xact_lock(hash) FROM unnest(%s::bigint[]) AS hash", (ordered,)
    )


def write_versions(connection: Connection, versions: Sequence[NewVersion]) -> None:
    """Write new versions, history and index rows of any number of resources.

    Errors: WriteConflictError where a row has changed since it was locked or appeared meanwhile;
    KeyCollisionError where another resource holds the key.
    Cost: one statement where all are new, nine where some replace others.
    """
    if not versions:
        return
    ordered = sorted(versions, key=lambda version: version.resource.key)
    for version in ordered:
        old, new = version.replaces, version.resource
        if old is not None and (old.type, old.id) != (new.type, new.id):
            raise KeyCollisionError(f"{new.type}/{new.id}")
    replaced = [version for version in ordered if version.replaces is not None]
    if replaced:
        with connection.pipeline():
            _move_to_history(connection, replaced)
            forget_rows(connection, [version.resource.key for version in replaced])
    written = _write_rows(connection, ordered)
    if written != len(ordered):
        raise WriteConflictError(f"{len(ordered) - written} of {len(ordered)} rows had changed")


def _move_to_history(connection: Connection, replaced: Sequence[NewVersion]) -> None:
    connection.execute(
        "INSERT INTO resource_history (key, version, type, id, updated, superseded, deleted, body, "
        "origin) SELECT r.key, r.version, r.type, r.id, r.updated, new.updated, r.deleted, r.body, "
        "r.origin "
        "FROM unnest(%s::bigint[], %s::timestamptz[]) AS new (key, updated) JOIN resource r USING (key)",
        (
            array_text(version.resource.key for version in replaced),
            instants_array(version.resource.updated for version in replaced),
        ),
    )


@dataclass(frozen=True, slots=True)
class WritePart:
    """One of the statements that are sent as one: its name, its text, its values."""

    name: str
    statement: str
    values: Sequence[Any]


NOTE_CHANGED_BLOCKS: LiteralString = (
    "INSERT INTO changed_block (block) SELECT DISTINCT " + BLOCK + " FROM written"
)
"""Behind every statement that writes rows of `resource` and calls what it returns `written`: totals that are
kept by blocks (`store/token_blocks.py`) are exact by it.
"""
_CHANGED_BLOCKS = WritePart("into_changed_block", NOTE_CHANGED_BLOCKS, ())

_LARGE_BYTES = 1024 * 1024
"""From here on bodies travel in binary form."""
_MOST_PARAMETERS = 1000
"""Bodies that travel as parameters of their own, at most; a statement may have 65,535."""


def _write_rows(connection: Connection, versions: Sequence[NewVersion]) -> int:
    """Write the current rows and all their index rows; how many rows were as they should be.

    One statement, since each costs a way to the database and back: the parts are its common table
    expressions, which PostgreSQL carries out whether anything reads them or not.
    Source: https://www.postgresql.org/docs/current/queries-with.html#QUERIES-WITH-MODIFYING
    """
    indexed = [(one.resource.key, one.rows) for one in versions if one.rows]
    codes = (code for _, rows in indexed for code in rows.codes)
    parts = [_upsert(versions), _CHANGED_BLOCKS, *index_parts(indexed), *code_parts(codes)]
    together = ", ".join(f"{part.name} AS ({part.statement})" for part in parts)
    row = connection.execute(
        f"WITH {together} SELECT count(*) FROM written".encode(),
        [value for part in parts for value in part.values],
    ).fetchone()
    return int(row[0]) if row else 0


def _bodies(stored: list[bytes | None]) -> tuple[str, Sequence[Any]]:
    """An array of bodies, and its values: small ones fastest as text, large ones each by itself and as they
    are, since an array of them would be one more copy.
    """
    if sum(len(body) for body in stored if body is not None) <= _LARGE_BYTES:
        return "%s", (bytes_array(stored),)
    if len(stored) > _MOST_PARAMETERS:
        return "%s", (stored,)
    each = [None if body is None else LargeBytes(body) for body in stored]
    return f"ARRAY[{', '.join(['%b'] * len(each))}]", each


def _upsert(versions: Sequence[NewVersion]) -> WritePart:
    resources = [version.resource for version in versions]
    array, bodies = _bodies([None if r.body is None else packed(r.body) for r in resources])
    return WritePart(
        "written",
        "INSERT INTO resource (key, type, id, version, updated, deleted, body, tokens, origin) "
        "SELECT key, type, id, version, updated, deleted, body, tokens::bigint[], origin FROM unnest("
        "%s::bigint[], %s::smallint[], %s::text[], %s::int[], %s::timestamptz[], %s::bool[], "
        f"{array}::bytea[], %s::text[], %s::smallint[]) "
        "AS new (key, type, id, version, updated, deleted, body, tokens, origin) "
        "ON CONFLICT (key) DO UPDATE SET version = excluded.version, updated = excluded.updated, "
        "deleted = excluded.deleted, body = excluded.body, tokens = excluded.tokens, "
        "origin = excluded.origin "
        "WHERE resource.version = excluded.version - 1 "
        "AND resource.type = excluded.type AND resource.id = excluded.id RETURNING sequence",
        (
            array_text(r.key for r in resources),
            array_text(TYPE_NUMBERS[r.type] for r in resources),
            quoted_array(r.id for r in resources),
            array_text(r.version for r in resources),
            instants_array(r.updated for r in resources),
            array_text(r.deleted for r in resources),
            *bodies,
            array_of_arrays(one.rows.tokens if one.rows else () for one in versions),
            array_text(one.origin for one in versions),
        ),
    )


SEARCH_TABLES = (
    ("dates", "search_date", "parameter, low, high", ("bigint", "bigint", "bigint")),
    ("numbers", "search_number", "parameter, low, high", ("bigint", "numeric", "numeric")),
    ("quantities", "search_quantity", "parameter, unit, low, high",
     ("bigint", "bigint", "numeric", "numeric")),
    ("strings", "search_string", "parameter, value, in_parts", ("bigint", "text", "bool")),
    ("references", "search_reference", "parameter, target", ("bigint", "bigint")),
    ("texts", "search_text", "words", ("tsvector",)),
)  # fmt: skip


def forget_rows(connection: Connection, keys: list[int]) -> None:
    """Remove the index rows under these keys."""
    for _, table, _, _ in SEARCH_TABLES:
        connection.execute(f"DELETE FROM {table} WHERE key = ANY(%s)", (keys,))


def insert_rows(connection: Connection, indexed: Sequence[tuple[int, IndexRows]]) -> None:
    """Write the index rows of each key. Cost: a statement for each table that gets some."""
    for part in index_parts(indexed):
        connection.execute(part.statement.encode(), part.values)


def index_parts(
    indexed: Sequence[tuple[int, IndexRows]], only_with: str = ""
) -> Iterator[WritePart]:
    """What writes the index rows of each key, a part for each table that gets some.

    Shape: `only_with` names a further source of rows, which is empty where nothing is to be written.
    """
    for attribute, table, columns, types in SEARCH_TABLES:
        keys: list[int] = []
        rows: list[tuple[Any, ...]] = []
        for key, index in indexed:
            own = dict.fromkeys(getattr(index, attribute))
            rows.extend(own)
            keys.extend([key] * len(own))
        if rows:
            yield WritePart(
                f"into_{table}",
                _insertion(table, columns, types, only_with),
                _columns(("bigint", *types), (keys, *zip(*rows, strict=True))),
            )


@cache
def _insertion(table: str, columns: str, types: Sequence[str], only_with: str) -> str:
    arrays = ", ".join(f"%s::{name}[]" for name in ("bigint", *types))
    source = f"unnest({arrays})" + (f", {only_with}" if only_with else "")
    return f"INSERT INTO {table} (key, {columns}) SELECT * FROM {source}"


def _columns(types: Sequence[str], columns: Sequence[Sequence[Any]]) -> list[str]:
    return [column_array(name, column) for name, column in zip(types, columns, strict=True)]


def code_parts(codes: Iterable[tuple[int, int, str]], only_with: str = "") -> Iterator[WritePart]:
    """What notes the codes behind tokens, where they are not known yet; `only_with` as in `index_parts`."""
    # Each once, in the one order of all writers.
    columns = list(zip(*sorted(set(codes)), strict=True))
    if columns:
        yield WritePart(
            "into_search_code",
            "INSERT INTO search_code (parameter, token, value) "
            "SELECT * FROM unnest(%s::bigint[], %s::bigint[], %s::text[])"
            + (f", {only_with}" if only_with else "")
            + " ON CONFLICT DO NOTHING",
            _columns(("bigint", "bigint", "text"), columns),
        )


def insert_codes(connection: Connection, codes: Iterable[tuple[int, int, str]]) -> None:
    """Note what tokens stand for, where it is not known yet."""
    for part in code_parts(codes):
        connection.execute(part.statement.encode(), part.values)


def stored_resource(row: Sequence[Any]) -> StoredResource:
    """The version of a row of COLUMNS."""
    key, type_number, resource_id, version, updated, deleted, stored = row
    body = None if stored is None else unpacked(stored)
    return StoredResource(
        key, RESOURCE_TYPES[type_number], resource_id, version, updated, deleted, body
    )
