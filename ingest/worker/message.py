"""One message from the journal to the store: lexer, mapping, transaction, and the state it ends in.

The resources and the new state are written by one database transaction, so that no message is ever half
stored, stored twice, or stored without the journal knowing.
"""

import gc
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Protocol

import structlog

from fhir_server.interactions.answer import Answer
from fhir_server.interactions.server import FhirServer
from fhir_server.interactions.transaction import transaction
from fhir_server.model.issues import Issue, Refused, error
from ingest.hl7v2 import Hl7SyntaxError, Message
from ingest.journal.record import State
from ingest.mapping import Draft, MappingResult, Question, Stored
from ingest.mapping.result import Resource
from ingest.worker.database_gone import is_database_gone
from ingest.worker.in_hand import InHand, reason_to_hold
from ingest.worker.leniency import holding
from ingest.worker.queue import (
    Claim,
    Connection,
    NotWaitingError,
    Settlement,
    Waiting,
    settle,
)

MOST_ATTEMPTS = 10
"""After so many failures the message is held, so that its patient's later messages can go on."""

MOST_STALE_READS = 4
"""How often a message is mapped again because the store changed meanwhile (412)."""

TEMPORARY_STATUSES = frozenset({408, 409, 412, 423, 429})
"""Refusals that say nothing against the message itself; so do all from 500 on."""

NOTHING_NEW = Issue("ingest-nothing-new", "information", "informational")
NOT_KEPT = Issue("ingest-not-kept", "information", "informational")

log = structlog.stdlib.get_logger("osteon.worker")


class Sender(Protocol):
    """What the centre register tells of a sender: how it writes, and what it is held for."""

    @property
    def held_for(self) -> frozenset[str]: ...
    def read(self, raw: bytes) -> Message: ...


class Register(Protocol):
    """The centre register: who sends as MSH-3 and MSH-4."""

    def of_sender(self, application: str | None, facility: str | None) -> Sender | None: ...


class DraftMessage(Protocol):
    """The mapping."""

    def __call__(self, message: Message, /) -> Draft: ...


class StoredTogether(Stored, Protocol):
    """What is stored now, for one question or many."""

    def answers(
        self, questions: Sequence[Question], /
    ) -> Mapping[Question, Sequence[Resource]]: ...


@dataclass(frozen=True, slots=True)
class PutOff:
    """The message could not be settled now."""

    pause: timedelta


@dataclass(frozen=True, slots=True)
class MessageWorker:
    """Works messages off, one after the other.

    Shape: `settle_message` gives None once the message is settled, or for how long to put it off.
    Errors: those of a database that is gone (`is_database_gone`).
    """

    server: FhirServer
    register: Register
    draft_message: DraftMessage
    stored: StoredTogether
    in_hand: InHand = field(default_factory=InHand)

    def begin(self, claims: Sequence[Claim]) -> None:
        """Write down that work on these begins, so that it is known if the worker does not survive it."""
        self.in_hand.begin(self.server.database, claims)

    def settle_message(
        self, connection: Connection, claimed: Claim, waiting: Waiting
    ) -> PutOff | None:
        """Bring one message to its end. `connection` is the one that holds the claim."""
        if waiting.state != "received":
            return None
        try:
            self._work_off(connection, claimed, waiting)
        except NotWaitingError:
            return None
        except Hl7SyntaxError as unreadable:
            # A rejected message that was replayed and still cannot be read.
            settle(connection, [Settlement(claimed, "rejected", [unreadable.fault.issue()])])
        except Refused as refused:
            return self._refused(connection, claimed, waiting, refused)
        except Exception as fault:
            if is_database_gone(fault):
                raise
            # The message of a fault may quote the message of a patient: only its kind and place are told.
            log.exception("message failed", id=claimed.id, attempt=waiting.attempts + 1)
            issue = error("ingest-internal-error", "exception", kind=type(fault).__name__)
            return self._failed(connection, claimed, waiting, [issue])
        return None

    def hold_deadly(self, connection: Connection, claims: Sequence[Claim]) -> set[Claim]:
        """Hold the messages whose attempts have had no result too often; which they are."""
        deadly: set[Claim] = set()
        for claimed in claims:
            reason = reason_to_hold(claimed)
            if reason is None:
                continue
            log.error("message held, it has no result", id=claimed.id, reason=reason.id)
            with suppress(NotWaitingError), connection.transaction():
                settle(connection, [Settlement(claimed, "held", [reason])])
            deadly.add(claimed)
        return deadly

    def _work_off(self, connection: Connection, claimed: Claim, waiting: Waiting) -> None:
        for attempt in range(MOST_STALE_READS):
            result = self._mapped(self.read(waiting))
            if waiting.is_large:
                # The message is several times its document, and is not needed while that is stored; its
                # segments refer to it as it does to them.
                gc.collect()
            if result.bundle is None:
                with connection.transaction():
                    settle(connection, [settled_unwritten(claimed, result)])
                return
            try:
                server = self.server_for(waiting)
                transaction(server, result.bundle, also=_record(claimed, result))
            except Refused as refused:
                if refused.status != 412 or attempt == MOST_STALE_READS - 1:
                    raise
            else:
                return

    def read(self, waiting: Waiting) -> Message:
        """The message of a row of the journal. Errors: Hl7SyntaxError where it cannot be read."""
        centre = self._sender(waiting)
        raw = waiting.read()
        message = centre.read(raw) if centre else Message.parse(raw)
        if faults := message.faults():
            raise Hl7SyntaxError(faults[0])
        return message

    def server_for(self, waiting: Waiting) -> FhirServer:
        """The server that stores a message: as forgiving as its centre's register entry says."""
        centre = self._sender(waiting)
        return holding(self.server, centre.held_for) if centre else self.server

    def _sender(self, waiting: Waiting) -> Sender | None:
        return self.register.of_sender(waiting.application or None, waiting.facility or None)

    def _mapped(self, message: Message) -> MappingResult:
        try:
            result = self.draft_message(message).finish(self.stored)
        except Hl7SyntaxError as found:
            # Only what the reception lets pass on purpose is left: a document that is not encoded as said.
            return MappingResult(centre=None, bundle=None, held=(found.fault.issue(),))
        # Nobody asks for the fate of each field here, and who could ask would keep the message.
        return replace(result, account=tuple)

    def _refused(
        self, connection: Connection, claimed: Claim, waiting: Waiting, refused: Refused
    ) -> PutOff | None:
        if refused.status in TEMPORARY_STATUSES or refused.status >= 500:
            return self._failed(connection, claimed, waiting, refused.issues)
        settle(connection, [Settlement(claimed, "held", refused.issues)])
        return None

    def _failed(
        self, connection: Connection, claimed: Claim, waiting: Waiting, issues: Sequence[Issue]
    ) -> PutOff | None:
        if waiting.attempts + 1 < MOST_ATTEMPTS:
            return PutOff(pause_after(waiting.attempts))
        settle(connection, [Settlement(claimed, "held", issues)])
        return None


def settled_unwritten(claimed: Claim, result: MappingResult) -> Settlement:
    """The state of a message of which nothing is written: held, ignored, or stored long since."""
    state: State = "held"
    reasons = result.held
    if not result.held:
        state, reasons = (
            ("stored", (NOTHING_NEW,)) if result.resources else ("ignored", (NOT_KEPT,))
        )
    return Settlement(claimed, state, [*reasons, *result.issues], centre=result.centre)


def settled_stored(claimed: Claim, result: MappingResult, answers: Sequence[Answer]) -> Settlement:
    """The state of a message whose entries were answered so."""
    written = [answer.location for answer in answers if answer.location is not None]
    return Settlement(claimed, "stored", result.issues, written, result.centre)


def pause_after(attempts: int) -> timedelta:
    """The pause before the next attempt: it doubles from a fifth of a second up to a minute."""
    return timedelta(seconds=min(0.2 * 2**attempts, 60.0))


def _record(
    claimed: Claim, result: MappingResult
) -> Callable[[Connection, Sequence[Answer]], None]:
    def record(connection: Connection, answers: Sequence[Answer]) -> None:
        settle(connection, [settled_stored(claimed, result, answers)])

    return record
