"""From the bytes of a frame to a record: what it is, whom it concerns, and how it will be answered.

Nothing here touches the database, so that the answer is ready before the record is committed.
"""

import hashlib
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Protocol

import structlog

from fhir_server.model.issues import Issue
from fhir_server.store.keys import hash64
from ingest.hl7v2 import Hl7Fault, Hl7SyntaxError, Message, Outcome, acknowledge, read_header
from ingest.hl7v2.ack import Header
from ingest.journal.order_keys import order_keys
from ingest.journal.record import Record, State

log = structlog.stdlib.get_logger("osteon.journal")

LONGEST_NAME = 250
"""Bytes of a header value that are kept beside the raw message; the standard allows fewer."""


class Sender(Protocol):
    """What the centre register tells of a sender."""

    @property
    def id(self) -> str: ...
    def read(self, raw: bytes) -> Message: ...


class Register(Protocol):
    """The centre register: who sends as MSH-3 and MSH-4."""

    def of_sender(self, application: str | None, facility: str | None) -> Sender | None: ...


@dataclass(frozen=True, slots=True)
class Channel:
    """What the way in says of a message.

    Shape: `centres` those that the other side has proven to speak for, None where the way in proves
    nothing; `codec` the character set that the transport declares, if it does.
    """

    centres: frozenset[str] | None = None
    codec: str | None = None

    def faults(self, message: Message, centre: Sender | None) -> Iterator[Hl7Fault]:
        """Where a message contradicts the way it came in by."""
        if self.centres is not None and (centre is None or centre.id not in self.centres):
            yield Hl7Fault("ingest-sender-not-certified", 207, "MSH", 1, 3)
        # In ASCII alone all character sets agree.
        contradicts = self.codec is not None and self.codec != message.codec
        if contradicts and not message.raw.isascii():
            yield Hl7Fault("ingest-charset-contradicted", 102, "MSH", 1, 18)


OPEN = Channel()
"""A way in that proves and declares nothing: MLLP without TLS, files."""


@dataclass(frozen=True, slots=True)
class Reception:
    """Turns frames into records.

    Shape: a message that can be read waits for a worker, whoever sent it and whatever it asks for;
    one that cannot be read is rejected with its faults, and both are journalled.
    """

    register: Register

    def receive(self, raw: bytes, connection: str, channel: Channel = OPEN) -> Record:
        """The record of a whole frame."""
        header = read_header(raw)
        centre = self._centre(header)
        try:
            message = centre.read(raw) if centre else Message.parse(raw)
            faults = message.faults()
        except Hl7SyntaxError as error:
            return self.refuse(raw, connection, [error.fault])
        if faults:
            return self.refuse(raw, connection, faults)
        if contradictions := list(channel.faults(message, centre)):
            log.warning("the way in contradicts a message", connection=connection)
            return replace(self.refuse(raw, connection, contradictions), contradicted=True)
        keys = order_keys(message, _sender(header))
        return _record(header, raw, connection, centre, "received", Outcome.ACCEPT, (), keys)

    def refuse(self, raw: bytes, connection: str, faults: Sequence[Hl7Fault]) -> Record:
        """The record of bytes that are no readable message; sending them again would not help."""
        header = read_header(raw)
        keys = [_sender(header)]
        centre = self._centre(header)
        return _record(header, raw, connection, centre, "rejected", Outcome.ERROR, faults, keys)

    def _centre(self, header: Header) -> Sender | None:
        application = _told(header.component(3, 1))
        return self.register.of_sender(application or None, _told(header.component(4, 1)) or None)


def turned_away(raw: bytes, faults: Sequence[Hl7Fault]) -> bytes | None:
    """The answer to a message that could not be journalled: it may be sent again."""
    return acknowledge(read_header(raw), Outcome.REJECT, faults, control_id=_control_id())


def _record(  # noqa: PLR0917 — the parts of one record, gathered in one place
    header: Header,
    raw: bytes,
    connection: str,
    centre: Sender | None,
    state: State,
    outcome: Outcome,
    faults: Sequence[Hl7Fault],
    keys: Sequence[int],
) -> Record:
    issues: list[Issue] = [fault.issue() for fault in faults]
    return Record(
        sender=_sender(header),
        hash=hashlib.sha256(raw).digest(),
        control_id=_told(header.raw(10)),
        application=_told(header.component(3, 1)),
        facility=_told(header.component(4, 1)),
        type="^".join(filter(None, (_told(header.component(9, n)) for n in (1, 2)))),
        centre=centre.id if centre else None,
        connection=connection,
        received=datetime.now(UTC),
        raw=raw,
        ack=acknowledge(header, outcome, faults, control_id=_control_id()),
        order_keys=keys,
        state=state,
        issues=issues,
    )


def _sender(header: Header) -> int:
    return hash64(f"{_told(header.raw(3))}|{_told(header.raw(4))}")


def _told(raw: bytes) -> str:
    """Header values are names of systems, told byte for byte; PostgreSQL's text takes no zero byte."""
    return raw[:LONGEST_NAME].decode("latin-1").replace("\x00", "")


def _control_id() -> str:
    """MSH-10 of an answer: unique, and no longer than the 20 characters of v2.5."""
    return secrets.token_hex(10)
