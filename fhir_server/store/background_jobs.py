"""Background jobs: asked for, held by one process, made part by part, ended, forgotten.

A job is known by an id that nobody can guess: whoever has it may see what came of the job.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from psycopg.types.json import Jsonb

from fhir_server.store.resources import Connection

State = Literal["queued", "running", "completed", "failed", "cancelled"]

RESULT = -1
"""The number of the part that is what came of a job; those from 0 are its steps."""

_LOCK_SPACE = 0x4A4F42
"""Advisory locks of jobs: the letters JOB, then 32 bits of the id."""


@dataclass(frozen=True, slots=True)
class BackgroundJob:
    """One job.

    Shape: `asked` what its `kind` reads; `total` the parts it makes, where known; `outcome` what came of it.
    """

    id: str
    kind: str
    state: State
    asked: Mapping[str, Any]
    requested: datetime
    started: datetime | None
    ended: datetime | None
    attempts: int
    total: int | None
    outcome: Mapping[str, Any] | None

    @property
    def is_open(self) -> bool:
        """Whether it has not ended."""
        return self.ended is None


_COLUMNS = "id::text, kind, state, asked, requested, started, ended, attempts, total, outcome"


def request_background_job(
    connection: Connection, kind: str, asked: Mapping[str, Any], content: bytes, *, most_open: int
) -> str | None:
    """Ask for a job; its id, or None where `most_open` jobs have not ended yet."""
    row = connection.execute(
        "INSERT INTO background_job (id, kind, state, asked, content, requested) "
        "SELECT %s, %s, 'queued', %s, %s, clock_timestamp() "
        "WHERE (SELECT count(*) FROM background_job WHERE ended IS NULL) < %s RETURNING id::text",
        (str(uuid.uuid4()), kind, Jsonb(asked), content, most_open),
    ).fetchone()
    return row[0] if row else None


def read_background_job(connection: Connection, job_id: str) -> BackgroundJob | None:
    """The job of an id, or None."""
    row = connection.execute(
        f"SELECT {_COLUMNS} FROM background_job WHERE id::text = %s", (job_id,)
    ).fetchone()
    return BackgroundJob(*row) if row else None


def jobs_before(connection: Connection, job: BackgroundJob) -> int:
    """How many open jobs were asked for earlier."""
    row = connection.execute(
        "SELECT count(*) FROM background_job WHERE ended IS NULL AND requested < %s",
        (job.requested,),
    ).fetchone()
    return int(row[0]) if row else 0


def hold_background_job(connection: Connection, most_attempts: int) -> BackgroundJob | None:
    """The oldest open job that no other process holds, held by this session as long as it lives.

    Shape: None where there is none. One that has been begun `most_attempts` times without an end has
    failed.
    """
    waiting = connection.execute(
        "SELECT id::text FROM background_job WHERE ended IS NULL ORDER BY requested"
    ).fetchall()
    for (job_id,) in waiting:
        if not _lock(connection, job_id):
            continue
        row = connection.execute(
            "UPDATE background_job SET state = 'running', attempts = attempts + 1, "
            "started = coalesce(started, clock_timestamp()) "
            f"WHERE id = %s AND ended IS NULL AND attempts < %s RETURNING {_COLUMNS}",
            (job_id, most_attempts),
        ).fetchone()
        if row is not None:
            return BackgroundJob(*row)
        end_background_job(connection, job_id, "failed", {"status": 500})
        release_background_job(connection, job_id)
    return None


def release_background_job(connection: Connection, job_id: str) -> None:
    """Let other processes have the job."""
    connection.execute("SELECT pg_advisory_unlock(%s, %s)", _lock_numbers(job_id))


def put_back_background_job(connection: Connection, job_id: str) -> None:
    """The process ends in order: that this beginning came to nothing is no fault of the job."""
    connection.execute(
        "UPDATE background_job SET attempts = attempts - 1 WHERE id = %s AND ended IS NULL",
        (job_id,),
    )


def read_job_content(connection: Connection, job_id: str) -> bytes:
    """The content that was sent with the request; empty once the job has ended."""
    row = connection.execute(
        "SELECT content FROM background_job WHERE id = %s", (job_id,)
    ).fetchone()
    return bytes(row[0]) if row else b""


def note_total(connection: Connection, job_id: str, total: int) -> None:
    """Say how many parts the job makes."""
    connection.execute("UPDATE background_job SET total = %s WHERE id = %s", (total, job_id))


def keep_part(connection: Connection, job_id: str, number: int, name: str, content: bytes) -> None:
    """Keep a part, in the transaction that made it."""
    connection.execute(
        "INSERT INTO background_part (job, number, name, content) VALUES (%s, %s, %s, %s)",
        (job_id, number, name, content),
    )


def read_part(connection: Connection, job_id: str, number: int) -> bytes | None:
    """A part that was made, or None."""
    row = connection.execute(
        "SELECT content FROM background_part WHERE job::text = %s AND number = %s",
        (job_id, number),
    ).fetchone()
    return bytes(row[0]) if row else None


def count_steps(connection: Connection, job_id: str) -> int:
    """How many steps are done."""
    row = connection.execute(
        "SELECT count(*) FROM background_part WHERE job::text = %s AND number >= 0", (job_id,)
    ).fetchone()
    return int(row[0]) if row else 0


def end_background_job(
    connection: Connection,
    job_id: str,
    state: State,
    outcome: Mapping[str, Any],
    result: bytes = b"",
) -> bool:
    """End a job with its result; whether it was open. What was sent with it, and its steps, are forgotten."""
    with connection.transaction():
        ended = connection.execute(
            "UPDATE background_job SET state = %s, ended = clock_timestamp(), content = '', outcome = %s "
            "WHERE id::text = %s AND ended IS NULL",
            (state, Jsonb(outcome), job_id),
        )
        if not ended.rowcount:
            return False
        connection.execute("DELETE FROM background_part WHERE job::text = %s", (job_id,))
        keep_part(connection, job_id, RESULT, "result", result)
    return True


def forget_background_job(connection: Connection, job_id: str) -> bool:
    """Remove a job with its parts, whether it has ended or not; whether there was one."""
    with connection.transaction():
        connection.execute("DELETE FROM background_part WHERE job::text = %s", (job_id,))
        gone = connection.execute("DELETE FROM background_job WHERE id::text = %s", (job_id,))
    return gone.rowcount > 0


def forget_ended_jobs(connection: Connection, kept: timedelta) -> int:
    """Remove the jobs that ended so long ago, with their parts; how many."""
    with connection.transaction():
        gone = connection.execute(
            "DELETE FROM background_job WHERE ended < clock_timestamp() - %s::interval RETURNING id",
            (kept,),
        ).fetchall()
        connection.execute(
            "DELETE FROM background_part WHERE job = ANY(%s)", ([row[0] for row in gone],)
        )
    return len(gone)


def _lock(connection: Connection, job_id: str) -> bool:
    row = connection.execute(
        "SELECT pg_try_advisory_lock(%s, %s)", _lock_numbers(job_id)
    ).fetchone()
    return bool(row and row[0])


def _lock_numbers(job_id: str) -> tuple[int, int]:
    return _LOCK_SPACE, (uuid.UUID(job_id).int & 0xFFFF_FFFF) - 0x8000_0000
