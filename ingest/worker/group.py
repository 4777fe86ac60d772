"""Several messages from the journal to the store at once: one look at the store, one transaction.

The messages of a claim are about different patients, so that most have nothing to do with each other. Those
whose entries could be about one resource are stored one after the other, as are all of a group that is
refused: then each message meets its own fate. Whoever is stored alone is mapped again, against what the
group has left.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import structlog

from fhir_server.interactions.answer import Answer
from fhir_server.interactions.server import FhirServer
from fhir_server.interactions.transaction import transaction
from fhir_server.model.issues import Refused
from ingest.hl7v2 import Hl7SyntaxError
from ingest.mapping import Answered, Draft, MappingResult
from ingest.worker.database_gone import is_database_gone
from ingest.worker.message import (
    MessageWorker,
    PutOff,
    settled_stored,
    settled_unwritten,
)
from ingest.worker.queue import Claim, Connection, NotWaitingError, Waiting, settle

MOST_ENTRIES = 400
"""Entries of one transaction: beyond, more of them at once save nothing."""

log = structlog.stdlib.get_logger("osteon.worker")


@dataclass(frozen=True, slots=True)
class _Mapped:
    claim: Claim
    result: MappingResult
    server: FhirServer

    @property
    def entries(self) -> Sequence[dict[str, Any]]:
        return self.result.bundle["entry"] if self.result.bundle is not None else ()


def settle_together(
    worker: MessageWorker, connection: Connection, waiting: Mapping[Claim, Waiting]
) -> dict[Claim, PutOff | None]:
    """Bring several messages to their end; as `MessageWorker.settle_message` for each of them.

    Cost: a message of a group of sixteen takes a third of the statements' time that it takes alone.
    """
    left = {claim: one for claim, one in waiting.items() if one.state == "received"}
    # What failed before, or whose worker did not survive, is worked off alone: it may well fail again.
    fresh = {claim: one for claim, one in left.items() if not one.attempts and not claim.is_suspect}
    if len(fresh) > 1:
        worker.begin([*fresh])
        for claim in _settle_groups(worker, connection, fresh):
            del left[claim]
    put_off: dict[Claim, PutOff | None] = {}
    for claim, one in left.items():
        worker.begin([claim])
        put_off[claim] = worker.settle_message(connection, claim, one)
    return {claim: put_off.get(claim) for claim in waiting}


def _settle_groups(
    worker: MessageWorker, connection: Connection, waiting: Mapping[Claim, Waiting]
) -> Sequence[Claim]:
    """Settle the messages that go together; which they are."""
    mapped: list[_Mapped] = []
    with _left_to_each(len(waiting)):
        mapped = _map(worker, waiting)
    settled: list[_Mapped] = []
    most = min(MOST_ENTRIES, worker.server.settings.max_bundle_entries)
    for group in _groups((one for one in mapped if one.result.bundle is not None), most):
        with _left_to_each(len(group)):
            _store(group)
            settled += group
    unwritten = [one for one in mapped if one.result.bundle is None]
    if unwritten:
        with _left_to_each(len(unwritten)):
            with connection.transaction():
                settle(connection, [settled_unwritten(one.claim, one.result) for one in unwritten])
            settled += unwritten
    return [one.claim for one in settled]


@contextmanager
def _left_to_each(messages: int) -> Iterator[None]:
    """Where a group cannot be settled, each of its messages is tried by itself, and meets its own fate.

    Errors: those of a database that is gone.
    """
    try:
        yield
    except Exception as fault:
        if is_database_gone(fault):
            raise
        expected = isinstance(fault, Refused | NotWaitingError)
        tell = log.debug if expected else log.warning
        tell("a group is stored one by one", messages=messages, kind=type(fault).__name__)


def _map(worker: MessageWorker, waiting: Mapping[Claim, Waiting]) -> list[_Mapped]:
    """The messages mapped against what is stored now; those that cannot be read are left out."""
    drafts: dict[Claim, Draft] = {}
    for claim, one in waiting.items():
        try:
            drafts[claim] = worker.draft_message(worker.read(one))
        except Hl7SyntaxError:
            continue
    questions = [question for draft in drafts.values() for question in draft.questions()]
    stored = Answered(worker.stored.answers(questions), worker.stored)
    return [
        _Mapped(claim, draft.finish(stored), worker.server_for(waiting[claim]))
        for claim, draft in drafts.items()
    ]


def _groups(mapped: Iterable[_Mapped], most_entries: int) -> list[list[_Mapped]]:
    """Messages of which no two could write the same resource, in transactions that are not too large, each
    stored by one server.
    """
    taken: set[str] = set()
    groups: list[list[_Mapped]] = []
    room: dict[FhirServer, int] = {}
    last: dict[FhirServer, list[_Mapped]] = {}
    for one in mapped:
        targets = {target for entry in one.entries for target in _targets(entry)}
        if not taken.isdisjoint(targets):
            continue
        taken |= targets
        if len(one.entries) > room.get(one.server, 0):
            last[one.server], room[one.server] = [], most_entries
            groups.append(last[one.server])
        last[one.server].append(one)
        room[one.server] -= len(one.entries)
    return groups


def _targets(entry: Mapping[str, Any]) -> Iterator[str]:
    """What an entry writes: its URL, which has an id or criteria, and every identifier of its resource."""
    yield entry["request"]["url"]
    resource = entry.get("resource", {})
    identifiers = resource.get("identifier", ())
    for identifier in [identifiers] if isinstance(identifiers, dict) else identifiers:
        if "value" in identifier:
            system = identifier.get("system", "")
            yield f"{resource['resourceType']}|{system}|{identifier['value']}"


def _store(group: Sequence[_Mapped]) -> None:
    """One transaction for all entries, and in it the new states of the messages."""
    bundle = {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [entry for one in group for entry in one.entries],
    }

    def record(connection: Connection, answers: Sequence[Answer]) -> None:
        rest = iter(answers)
        settlements = [
            settled_stored(one.claim, one.result, [next(rest) for _ in one.entries])
            for one in group
        ]
        settle(connection, settlements)

    transaction(group[0].server, bundle, also=record)
