"""Messages of files and of HTTP into the journal: a batch at a time, each with its answer."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import psycopg

from ingest.hl7v2.batch import read_batch
from ingest.hl7v2.faults import Hl7Fault, Hl7SyntaxError
from ingest.hl7v2.message import Message
from ingest.journal.append import append_blocking
from ingest.journal.reception import OPEN, Channel, Reception
from ingest.journal.record import Journalled, Record

MOST_RECORDS = 100
MOST_BYTES = 32 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Loaded:
    """A message as it was received, and what the journal made of it."""

    record: Record
    journalled: Journalled


@dataclass(frozen=True, slots=True)
class MessageFile:
    """The messages of a file; faults say why none of them may be taken."""

    messages: tuple[bytes, ...]
    faults: tuple[Hl7Fault, ...]


def read_messages(content: bytes) -> MessageFile:
    """The messages of a file or body, bare or as a batch.

    Shape: a file is taken whole or not at all. One whose counts (BTS-1, FTS-1) are wrong may have been cut
    off; what is no HL7 v2 at all is told by what the lexer makes of it.
    """
    batch = read_batch(content)
    if batch.messages or batch.faults != (Hl7Fault("hl7v2-no-header", 100),):
        return MessageFile(batch.messages, batch.faults_of_file)
    try:
        Message.parse(content)
    except Hl7SyntaxError as error:
        return MessageFile((), (error.fault,))
    return MessageFile((), batch.faults)


def load_messages(
    connection: psycopg.Connection[Any],
    reception: Reception,
    messages: Iterable[bytes],
    source: str,
    channel: Channel = OPEN,
) -> Iterator[Loaded]:
    """Journal messages in order. Shape: `source` stands in place of a connection.

    Errors: psycopg.Error; what was given before is durable, and known again when it is loaded again.
    """
    batch: list[Record] = []
    sent: set[tuple[int, str]] = set()
    size = 0
    for raw in messages:
        record = reception.receive(raw, source, channel)
        sent_as = (record.sender, record.control_id)
        # The second message with a control id has to see the first one's row to know itself for a duplicate.
        if sent_as in sent or len(batch) == MOST_RECORDS or size > MOST_BYTES:
            yield from _append(connection, batch)
            batch, size = [], 0
            sent.clear()
        batch.append(record)
        sent.add(sent_as)
        size += len(raw)
    if batch:
        yield from _append(connection, batch)


def _append(connection: psycopg.Connection[Any], batch: list[Record]) -> Iterator[Loaded]:
    results = append_blocking(connection, batch)
    yield from map(Loaded, batch, results)


def answer_batch(answers: Iterable[bytes | None]) -> bytes:
    """The answers to the messages of a batch, as a batch. Source: HL7 v2.5.1 §2.10.3.3."""
    given = [answer for answer in answers if answer is not None]
    return b"BHS|^~\\&\r" + b"".join(given) + f"BTS|{len(given)}\r".encode()
