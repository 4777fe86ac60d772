"""What the store says of its search index: which definitions it follows, and where it is incomplete.

A write holds the barrier, shared, while it writes index rows; who takes it alone knows that every later
write sees the generation of that moment.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from fhir_server.store.resources import Connection

BARRIER = 5_207_390_846_114_925_173
"""The advisory lock that writes share."""


@dataclass(frozen=True, slots=True)
class Gap:
    """A parameter of a type, by their numbers, that resources stored earlier are not indexed by."""

    parameter: int
    type: int


LOCK_BARRIER = f"SELECT pg_advisory_xact_lock_shared({BARRIER})"
"""Take part in the barrier until the transaction ends."""
_READ_STATE = (
    "SELECT date_trunc('milliseconds', clock_timestamp()), "
    "(SELECT generation::text FROM search_generation), "
    "EXISTS (SELECT FROM subscription WHERE is_on)"
)


@dataclass(frozen=True, slots=True)
class StoreState:
    """What a write must know of the store.

    Shape: `time` the database's clock in whole milliseconds, the one clock of all processes;
    `generation` of the search parameters, which holds for all that this transaction indexes;
    `is_watched` whether any Subscription is on.
    """

    time: datetime
    generation: str | None
    is_watched: bool


def begin_writing(connection: Connection) -> StoreState:
    """Take part in the barrier; the state of the store from then on.

    Cost: one round trip.
    """
    # Two statements, sent together: the second one sees what was committed while the first one waited.
    cursor = connection.execute(f"{LOCK_BARRIER}; {_READ_STATE}".encode())
    cursor.nextset()
    row = cursor.fetchone()
    assert row is not None  # noqa: S101 — a SELECT without FROM has one row
    return StoreState(*row)


def read_generation(connection: Connection) -> str | None:
    """The generation of the stored search parameters; None where none was ever stored."""
    row = connection.execute("SELECT generation::text FROM search_generation").fetchone()
    return row[0] if row else None


def new_generation(connection: Connection) -> None:
    """Say that the search parameters have changed, with the transaction."""
    connection.execute(
        "INSERT INTO search_generation (id, generation) VALUES (1, gen_random_uuid()) "
        "ON CONFLICT (id) DO UPDATE SET generation = excluded.generation"
    )


def note_gaps(connection: Connection, gaps: Iterable[Gap]) -> None:
    """Note parameters that come to be known now. A type without resources has no gap."""
    noted = sorted({(gap.parameter, gap.type) for gap in gaps})
    if noted:
        connection.execute(
            "INSERT INTO search_gap (parameter, type, since) "
            "SELECT parameter, type, clock_timestamp() FROM unnest(%s::bigint[], %s::smallint[]) "
            "AS new (parameter, type) WHERE EXISTS ("
            "SELECT FROM resource r WHERE r.type = new.type AND NOT r.deleted) "
            "ON CONFLICT (parameter) DO UPDATE SET since = excluded.since",
            ([parameter for parameter, _ in noted], [type_ for _, type_ in noted]),
        )


def read_gaps(connection: Connection) -> list[Gap]:
    """The parameters that not every resource is indexed by."""
    rows = connection.execute("SELECT parameter, type FROM search_gap").fetchall()
    return [Gap(*row) for row in rows]


def close_gaps(connection: Connection, types: Iterable[int], before: datetime) -> None:
    """Forget the gaps of types, as far as they were there before a moment."""
    gone = connection.execute(
        "DELETE FROM search_gap WHERE type = ANY(%s) AND since < %s", (list(types), before)
    )
    if gone.rowcount:
        new_generation(connection)
