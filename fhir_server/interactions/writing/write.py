"""Write changes: identities, links, locks, versions, in one database transaction.

The stages of `write_changes`, in the order of the specification (DELETE, POST, PUT and PATCH, then
conditional references): https://hl7.org/fhir/R4/http.html#trules. `run_write` opens the transaction and
tries again where another one was faster.
"""

import random
import time
from collections.abc import Callable, Sequence
from copy import copy
from datetime import datetime, timedelta
from typing import TypeVar

import psycopg
from msgspec.structs import replace

from fhir_server.interactions.answer import Answer
from fhir_server.interactions.server import FhirServer
from fhir_server.interactions.subscriptions.events import EventCollector
from fhir_server.interactions.subscriptions.status import with_server_status
from fhir_server.interactions.writing.body import body_of
from fhir_server.interactions.writing.change import Change
from fhir_server.interactions.writing.check import check_preconditions
from fhir_server.interactions.writing.conditional_references import (
    has_conditional_references,
    resolve_conditional_references,
)
from fhir_server.interactions.writing.definitions import note_definitions
from fhir_server.interactions.writing.identity import (
    check_targets_differ,
    identify,
    lock_all_criteria,
    resolve_links,
)
from fhir_server.interactions.writing.integrity import check_integrity
from fhir_server.interactions.writing.patched import apply_patches
from fhir_server.model.issues import Issue, refuse, warning
from fhir_server.search.indexer import SearchIndexer
from fhir_server.store.contained import ContainedResource, write_contained
from fhir_server.store.keys import resource_key
from fhir_server.store.resources import (
    Connection,
    KeyCollisionError,
    NewVersion,
    Origin,
    StoredResource,
    WriteConflictError,
    lock_resources,
    write_versions,
)
from fhir_server.store.search_state import begin_writing

MAX_ATTEMPTS = 8
_TICK = timedelta(milliseconds=1)
_RETRIED = (
    psycopg.errors.SerializationFailure,
    psycopg.errors.DeadlockDetected,
    psycopg.errors.UniqueViolation,
    WriteConflictError,
)

Result = TypeVar("Result")


def run_write(server: FhirServer, work: Callable[[Connection], Result]) -> Result:
    """Do work in one database transaction; again, with a growing pause, where another was faster.

    Errors: Refused 409 after MAX_ATTEMPTS, or where two resources share a key.
    """
    for attempt in range(MAX_ATTEMPTS):
        try:
            with server.database.transaction() as connection:
                return work(connection)
        except _RETRIED:
            time.sleep(random.uniform(0, 0.01) * 2**attempt)  # noqa: S311 — spreads retries, no secret
        except KeyCollisionError:
            raise refuse(409, "key-collision", "conflict") from None
    raise refuse(409, "write-conflict", "conflict")


def write_changes(
    server: FhirServer, connection: Connection, requested: Sequence[Change]
) -> list[Answer]:
    """Write the changes, all or none; the answers stand in the order of the request.

    Shape: the resources have been validated (`check_changes`); links between entries still carry the
    client's names.
    Errors: Refused 400, 409 or 412, naming the entry.
    """
    changes = [copy(change) for change in requested]
    lock_all_criteria(connection, changes)
    answers: dict[int, Answer] = {}
    events = EventCollector(server, connection)
    delete_limit = server.settings.conditional_delete_limit
    for method in ("DELETE", "POST", "PUT", "PATCH"):
        identify(connection, [c for c in changes if c.method == method], delete_limit)
        if method == "DELETE":
            check_targets_differ(changes)
            _write_stage(server, connection, _deletions(changes), answers, events)
    check_targets_differ(changes)
    apply_patches(server, connection, [c for c in changes if c.method == "PATCH"])
    resolve_links(server, changes)
    pending = [c for c in changes if c.method != "DELETE"]
    waiting = [c for c in pending if has_conditional_references(c)]
    late = {id(change) for change in waiting}
    _write_stage(server, connection, [c for c in pending if id(c) not in late], answers, events)
    if waiting:
        resolve_conditional_references(server, connection, waiting, changes)
        _write_stage(server, connection, waiting, answers, events)
    check_integrity(server, connection, [*pending, *_deletions(changes)])
    events.record()
    return [answers[id(change)] for change in changes]


def _deletions(changes: Sequence[Change]) -> list[Change]:
    """The deletions, those of several matches one by one."""
    asked = [change for change in changes if change.method == "DELETE"]
    further = [replace(c, id=one, also=(), found_version=None) for c in asked for one in c.also]
    return [*asked, *further]


def _write_stage(
    server: FhirServer,
    connection: Connection,
    changes: list[Change],
    answers: dict[int, Answer],
    events: EventCollector,
) -> None:
    writing = [c for c in changes if c.id is not None and c.matched is None and c.same_as is None]
    # Nobody knows an id that has just been drawn.
    known = [resource_key(c.type, c.id or "") for c in writing if not c.has_new_id]
    locked = lock_resources(connection, known)
    for change in writing:
        change.existing = locked.get(resource_key(change.type, change.id or ""))
        _check_still_found(change)
        check_preconditions(change)
    if writing:
        state = begin_writing(connection)
        now = _now(state.time, list(locked.values()))
        search = server.search.at(connection, state.generation)
        versions: list[NewVersion] = []
        contained: dict[int, list[ContainedResource]] = {}
        for change in writing:
            version = new_version(search.indexer, change, now)
            if version is not None:
                versions.append(version)
                if change.resource is not None and "contained" in change.resource:
                    resource = {**change.resource, "id": change.id}
                    contained[version.resource.key] = search.indexer.contained(resource)
            answers[id(change)] = _answer(change, version)
        events.before_write(writing, versions, is_watched=state.is_watched)
        write_versions(connection, versions)
        write_contained(connection, versions, contained)
        note_definitions(server, connection, versions)
    for change in changes:
        if id(change) not in answers:
            answers[id(change)] = _answer_without_write(change, answers)


def _check_still_found(change: Change) -> None:
    """What the criteria found may have changed before its row was locked, so that they no longer match it.

    Errors: WriteConflictError; everything is tried again from the criteria on.
    """
    current = change.existing
    if change.found_version is not None and (
        current is None or current.version != change.found_version
    ):
        raise WriteConflictError("what the criteria found has changed")


def _now(time: datetime, locked: Sequence[StoredResource]) -> datetime:
    # A version is never older than the one it supersedes, whatever the clock did meanwhile.
    return max([time, *(row.updated + _TICK for row in locked)])


def new_version(indexer: SearchIndexer, change: Change, now: datetime) -> NewVersion | None:
    """The version that a change makes of what exists; None where nothing changes."""
    current = change.existing
    key = resource_key(change.type, change.id or "")
    number = current.version + 1 if current else 1
    if change.method == "DELETE":
        if current is None or current.deleted:
            return None
        gone = StoredResource(key, change.type, current.id, number, now, deleted=True, body=None)
        return NewVersion(gone, current, None)
    assert change.resource is not None  # noqa: S101 — all but a DELETE carry one by now
    assert change.id is not None  # noqa: S101 — given by `identify`
    change.resource = with_server_status(change)
    if current is not None and _is_unchanged(change, current):
        return None
    body = body_of(change.resource, change.id, number, now)
    stored = StoredResource(key, change.type, change.id, number, now, deleted=False, body=body)
    rows = indexer.rows({**change.resource, "id": change.id})
    if rows.left_out:
        change.warnings = [*change.warnings, _not_found_by(change, rows.left_out)]
    return NewVersion(stored, current, rows, _origin(change))


def _not_found_by(change: Change, codes: Sequence[str]) -> Issue:
    return warning("search-parameters-left-out", "processing", change.expression(),
                   parameters=", ".join(sorted(set(codes))))  # fmt: skip


def _origin(change: Change) -> Origin:
    if change.method == "PATCH":
        return Origin.PATCH
    is_update_as_create = change.method == "PUT" and change.makes_new
    return Origin.UPDATE_AS_CREATE if is_update_as_create else Origin.NUMBERED


def _is_unchanged(change: Change, current: StoredResource) -> bool:
    assert change.resource is not None  # noqa: S101 — asked for updates only
    return current.body is not None and current.body == body_of(
        change.resource, current.id, current.version, current.updated
    )


def _answer(change: Change, version: NewVersion | None) -> Answer:
    if change.method == "DELETE":
        return Answer(204, stored=version.resource if version else change.existing)
    if version is None:
        return Answer(200, stored=change.existing, issues=change.warnings)
    status = 201 if change.makes_new else 200
    return Answer(status, stored=version.resource, issues=change.warnings)


def _answer_without_write(change: Change, answers: dict[int, Answer]) -> Answer:
    if change.same_as is not None:
        return replace(answers[id(change.same_as)], status=200)
    if change.matched is not None:
        return Answer(200, stored=change.matched)
    return Answer(204)
