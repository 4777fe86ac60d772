"""A new resource as one statement that asks for no answer first.

A write must know the database's time, the generation of the search parameters and whether a Subscription is
on (`search_state.begin_writing`). For a resource whose id has just been drawn nothing else of the store
matters, so that its writer may go by what it knew last: the statement has a gate, which is open only where
all of that still holds, and writes nothing where it does not.
"""

from collections.abc import Sequence, Set
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from fhir_server.store.arrays import array_text
from fhir_server.store.bodies import packed
from fhir_server.store.keys import hash64
from fhir_server.store.resource_types import TYPE_NUMBERS
from fhir_server.store.resources import (
    NOTE_CHANGED_BLOCKS,
    NewVersion,
    code_parts,
    index_parts,
)

Code = tuple[int, int, str]
"""What `search_code` holds: parameter, token, value."""

_GATE = (
    "gate AS (SELECT WHERE "
    # Not of the future, and not so old that a reader of what is new has gone past it.
    "%s::timestamptz BETWEEN clock_timestamp() - interval '1 s' AND clock_timestamp() "
    "AND (SELECT generation::text FROM search_generation) IS NOT DISTINCT FROM %s::text "
    "AND NOT EXISTS (SELECT FROM subscription WHERE is_on AND %s::smallint = ANY(types)))"
)
_ROW = (
    "written AS (INSERT INTO resource (key, type, id, version, updated, deleted, body, tokens) "
    "SELECT %s::bigint, %s::smallint, %s::text, 1, %s::timestamptz, false, %s::bytea, %s::bigint[] "
    "FROM gate RETURNING sequence)"
)
_BLOCK = "into_changed_block AS (" + NOTE_CHANGED_BLOCKS + ")"
_OUTCOME = "SELECT (SELECT count(*) FROM written), clock_timestamp()"


@dataclass(frozen=True, slots=True)
class PreparedText:
    """The text of a statement, and the name under which a connection keeps it."""

    name: bytes
    text: bytes


@dataclass(frozen=True, slots=True)
class SingleCreate:
    """One statement with its values, as PostgreSQL's protocol takes them, and the codes it notes."""

    statement: PreparedText
    values: Sequence[bytes | None]
    codes: Sequence[Code]


@dataclass(frozen=True, slots=True)
class CreateOutcome:
    """Whether the resource was written, and the database's time."""

    is_written: bool
    time: datetime


def single_create(
    version: NewVersion, generation: str | None, known_codes: Set[Code] = frozenset()
) -> SingleCreate:
    """The statement that writes a first version, if the search parameters are still of a generation and
    nobody is told of its type.

    Shape: to be sent after LOCK_BARRIER, in the same transaction; its one row is for `create_outcome`.
    `known_codes` are those that need not be noted again.
    """
    stored, rows = version.resource, version.rows
    assert stored.body is not None and rows is not None  # noqa: S101, PT018 — it is no deletion
    codes = [code for code in rows.codes if code not in known_codes]
    indexed = [(stored.key, rows)]
    parts = [*index_parts(indexed, "gate"), *code_parts(codes, "gate")]
    together = ", ".join(
        [_GATE, _ROW, _BLOCK, *[f"{part.name} AS ({part.statement})" for part in parts]]
    )
    type_number, updated = str(TYPE_NUMBERS[stored.type]), stored.updated.isoformat()
    values = [
        *(updated, generation, type_number),
        *(str(stored.key), type_number, stored.id, updated),
        *("\\x" + packed(stored.body).hex(), array_text(rows.tokens)),
        *[value for part in parts for value in part.values],
    ]
    return SingleCreate(
        _prepared(f"WITH {together} {_OUTCOME}"),
        [None if value is None else value.encode() for value in values],
        codes,
    )


def create_outcome(row: Sequence[bytes | None]) -> CreateOutcome:
    """What the row of a `single_create` says."""
    written, time = (value or b"" for value in row)
    return CreateOutcome(written == b"1", datetime.fromisoformat(time.decode()))


# One for each set of search tables that a resource has rows of.
@lru_cache(maxsize=256)
def _prepared(template: str) -> PreparedText:
    first, *others = template.split("%s")
    numbered = first + "".join(f"${number}{text}" for number, text in enumerate(others, 1))
    return PreparedText(f"create_{hash64(template):x}".encode(), numbered.encode())
