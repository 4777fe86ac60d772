"""Reindexing: index rows made anew from what is stored, while the server works on.

A batch is one transaction: it locks some resources, writes the rows that differ, and notes how far the
job is. A process that is killed leaves the job where its last batch ended; any process goes on from there.
"""

from collections.abc import Callable
from dataclasses import replace

import structlog

from fhir_server.model.issues import Refused
from fhir_server.model.json_source import parse_stored
from fhir_server.search.registry import SearchRegistry
from fhir_server.search.rows import IndexRows
from fhir_server.store.contained import ContainedResource, replace_contained
from fhir_server.store.database import Database
from fhir_server.store.index_rows import replace_rows
from fhir_server.store.reindex_jobs import (
    ReindexJob,
    begin_job,
    end_job,
    next_keys,
    note_progress,
    take_job,
)
from fhir_server.store.resources import Connection, lock_resources
from fhir_server.store.search_state import close_gaps, read_generation

BATCH_SIZE = 200
"""How many resources are locked at a time."""

_log = structlog.stdlib.get_logger("osteon.reindex")


def run_batch(
    database: Database, registry: SearchRegistry, batch_size: int = BATCH_SIZE
) -> ReindexJob | None:
    """Work at the oldest job for one batch; the job as it was before, None where there is none to do.

    Errors: psycopg errors where a client's write was faster or the database is gone; nothing is done then.
    """
    with database.transaction() as connection:
        job = take_job(connection)
        if job is None:
            return None
        if job.state == "queued":
            begin_job(connection, job)
            return job
        after, keys = _next_batch(connection, job, batch_size)
        changed = _reindex(connection, registry, keys)
        after = replace(after, processed=job.processed + len(keys), changed=job.changed + changed)
        note_progress(connection, after)
        if after.position == len(job.types):
            _end(connection, job)
        return job


def run_jobs(
    database: Database,
    registry: SearchRegistry,
    after_batch: Callable[[ReindexJob], bool],
    batch_size: int = BATCH_SIZE,
) -> None:
    """Work until no job is left, or `after_batch` says that it is enough."""
    while (job := run_batch(database, registry, batch_size)) is not None:
        if not after_batch(job):
            return


def _next_batch(connection: Connection, job: ReindexJob, size: int) -> tuple[ReindexJob, list[int]]:
    """The keys of the next resources, of one type after the other, and the job behind them."""
    keys: list[int] = []
    while len(keys) < size and job.position < len(job.types):
        room = size - len(keys)
        found = next_keys(connection, job, room)
        keys.extend(key for _, key in found)
        if len(found) == room:
            job = replace(job, sequence=found[-1][0])
        else:
            job = replace(job, position=job.position + 1, sequence=0)
    return job, keys


def _reindex(connection: Connection, registry: SearchRegistry, keys: list[int]) -> int:
    # Locked in the order of all writers, and read again: one may have been changed or deleted since.
    locked = lock_resources(connection, keys)
    indexer = registry.at(connection, read_generation(connection)).indexer
    rows: dict[int, IndexRows] = {}
    contained: dict[int, list[ContainedResource]] = {}
    for key, stored in locked.items():
        if stored.body is None:
            continue
        try:
            resource = parse_stored(stored.body)
            rows[key], contained[key] = indexer.rows(resource), indexer.contained(resource)
        except (Refused, RecursionError):
            # It keeps the rows it has: the job would never end by it.
            _log.warning("resource is beyond reach", type=stored.type)
    replace_contained(
        connection, rows.keys(), {key: found for key, found in contained.items() if found}
    )
    return replace_rows(connection, rows)


def _end(connection: Connection, job: ReindexJob) -> None:
    end_job(connection, job.id, "completed")
    if job.started is not None:
        close_gaps(connection, job.types, job.started)
