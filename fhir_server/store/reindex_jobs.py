"""The table of reindex jobs: asked for, taken by a process, worked at batch by batch, ended."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import psycopg

from fhir_server.store.resources import Connection
from fhir_server.store.search_state import BARRIER

State = Literal["queued", "running", "completed", "cancelled"]

_BARRIER_WAIT = "200ms"


@dataclass(frozen=True, slots=True)
class ReindexJob:
    """One job.

    Shape: `types` the numbers of its resource types; `parameter` the search parameter it was asked for,
    by its URL; `bound` the last sequence that is looked at; `position` and `sequence` how far it is;
    `total` the resources there were when it began, `processed` those looked at, `changed` those whose
    index rows were not right.
    """

    id: str
    types: tuple[int, ...]
    parameter: str | None
    state: State
    requested: datetime
    started: datetime | None
    ended: datetime | None
    bound: int
    position: int
    sequence: int
    total: int | None
    processed: int
    changed: int


_COLUMNS = (
    "id::text, types, parameter, state, requested, started, ended, bound, position, sequence, "
    "total, processed, changed"
)


def request_job(connection: Connection, types: Sequence[int], parameter: str | None) -> ReindexJob:
    """A new job; or the one that waits already and does the same."""
    ordered = sorted(types)
    row = connection.execute(
        f"SELECT {_COLUMNS} FROM reindex_job WHERE ended IS NULL AND state = 'queued' "
        "AND types = %s::smallint[] AND parameter IS NOT DISTINCT FROM %s LIMIT 1",
        (ordered, parameter),
    ).fetchone()
    if row is None:
        row = connection.execute(
            "INSERT INTO reindex_job (id, types, parameter, state, requested) "
            f"VALUES (%s, %s, %s, 'queued', clock_timestamp()) RETURNING {_COLUMNS}",
            (str(uuid.uuid4()), ordered, parameter),
        ).fetchone()
    return _job(row)


def read_job(connection: Connection, job_id: str) -> ReindexJob | None:
    """The job of an id, or None."""
    row = connection.execute(
        f"SELECT {_COLUMNS} FROM reindex_job WHERE id::text = %s", (job_id,)
    ).fetchone()
    return _job(row) if row else None


def read_jobs(connection: Connection, limit: int = 100) -> list[ReindexJob]:
    """The jobs, the latest first."""
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM reindex_job ORDER BY requested DESC LIMIT %s", (limit,)
    )
    return [_job(row) for row in rows]


def take_job(connection: Connection) -> ReindexJob | None:
    """The oldest job that is to be worked at and that no other process holds, locked.

    Shape: the lock lasts as long as the transaction, which is one batch.
    """
    row = connection.execute(
        f"SELECT {_COLUMNS} FROM reindex_job WHERE ended IS NULL "
        "ORDER BY requested LIMIT 1 FOR UPDATE SKIP LOCKED"
    ).fetchone()
    return _job(row) if row else None


def begin_job(connection: Connection, job: ReindexJob) -> bool:
    """Begin a job: count its resources, once every write by older definitions has ended.

    Shape: False where such a write goes on; the job is then to be begun again, later.
    """
    try:
        with connection.transaction():
            connection.execute(f"SET LOCAL lock_timeout = '{_BARRIER_WAIT}'")
            connection.execute(
                "SELECT pg_advisory_lock(%s), pg_advisory_unlock(%s)", (BARRIER, BARRIER)
            )
    except psycopg.errors.LockNotAvailable:
        return False
    connection.execute("SET LOCAL lock_timeout = DEFAULT")
    connection.execute(
        "UPDATE reindex_job j SET state = 'running', started = clock_timestamp(), "
        "bound = seen.bound, total = seen.total FROM ("
        "SELECT coalesce(max(sequence), 0) AS bound, count(*) AS total FROM resource "
        "WHERE type = ANY(%s::smallint[]) AND NOT deleted) seen WHERE j.id::text = %s",
        (list(job.types), job.id),
    )
    return True


def next_keys(connection: Connection, job: ReindexJob, limit: int) -> list[tuple[int, int]]:
    """Sequence and key of the next resources of the type that the job is at."""
    return connection.execute(
        "SELECT sequence, key FROM resource WHERE type = %s AND sequence > %s AND sequence <= %s "
        "AND NOT deleted ORDER BY sequence LIMIT %s",
        (job.types[job.position], job.sequence, job.bound, limit),
    ).fetchall()


def note_progress(connection: Connection, job: ReindexJob) -> None:
    """Keep how far a job is."""
    connection.execute(
        "UPDATE reindex_job SET position = %s, sequence = %s, processed = %s, changed = %s "
        "WHERE id::text = %s",
        (job.position, job.sequence, job.processed, job.changed, job.id),
    )


def end_job(connection: Connection, job_id: str, state: State) -> bool:
    """End a job; whether it had not ended before."""
    ended = connection.execute(
        "UPDATE reindex_job SET state = %s, ended = clock_timestamp() "
        "WHERE id::text = %s AND ended IS NULL",
        (state, job_id),
    )
    return ended.rowcount > 0


def count_remaining(connection: Connection, job: ReindexJob) -> int:
    """How many resources a job that runs has still to look at. Cost: counts them in the index."""
    row = connection.execute(
        "SELECT count(*) FROM resource WHERE NOT deleted AND sequence <= %s AND ("
        "type = ANY(%s::smallint[]) OR (type = %s AND sequence > %s))",
        (job.bound, list(job.types[job.position + 1 :]), job.types[job.position], job.sequence),
    ).fetchone()
    return int(row[0]) if row else 0


def _job(row: tuple[object, ...] | None) -> ReindexJob:
    assert row is not None  # noqa: S101 — RETURNING gives the row
    return ReindexJob(str(row[0]), tuple(row[1]), *row[2:])  # type: ignore[arg-type] # the columns' types
