"""Files of messages: one or more messages, bare or as a batch with FHS, BHS, BTS and FTS.

Source: HL7 v2.5.1 §2.10.3 (batch protocol).
"""

import re
from dataclasses import dataclass, field

from ingest.hl7v2.delimiters import read_delimiters
from ingest.hl7v2.faults import Hl7Fault, Hl7SyntaxError
from ingest.hl7v2.message import unframed

_LONGEST_COUNT = 18
_LINE_ENDS = b"\r\n\x0b\x1c"
_SEGMENT_BEGIN = re.compile(
    rb"(?:\A|(?<=[\r\n\x0b]))(?:MSH|FHS|BHS|BTS|FTS)(?=[^A-Za-z0-9\s]|[\r\n]|\Z)"
)


@dataclass(frozen=True, slots=True)
class Batch:
    """The messages of a file, in order, and what is wrong with its frame."""

    messages: tuple[bytes, ...]
    faults: tuple[Hl7Fault, ...]

    @property
    def faults_of_file(self) -> tuple[Hl7Fault, ...]:
        """The same where there has to be a message: an empty file has none."""
        return self.faults or (() if self.messages else (Hl7Fault("hl7v2-no-header", 100),))


def read_batch(content: bytes) -> Batch:
    """Split a file into its messages.

    Shape: messages as they stand, without the batch's own segments. Faults: content before the first
    header; BTS-1 or FTS-1 that do not count what stands before them; a header without its trailer.
    """
    content = unframed(content)
    starts = [match.start() for match in _SEGMENT_BEGIN.finditer(content)]
    pieces = [
        content[start:end].strip(_LINE_ENDS)
        for start, end in zip(starts, [*starts[1:], len(content)], strict=False)
    ]
    faults: list[Hl7Fault] = []
    if content and (not starts or content[: starts[0]].strip(_LINE_ENDS)):
        faults.append(Hl7Fault("hl7v2-no-header", 100))
    messages = [piece for piece in pieces if piece.startswith(b"MSH")]
    return Batch(tuple(messages), (*faults, *_frame_faults(pieces)))


def _frame_faults(pieces: list[bytes]) -> list[Hl7Fault]:
    """Trailers that do not count what stands before them, or that are missing behind a header.

    A file with neither header nor trailer is no batch; a trailer alone is checked by what it counts.
    """
    frame = _Frame()
    separator = b"|"
    for piece in pieces:
        name = piece[:3]
        if name in {b"MSH", b"FHS", b"BHS"}:
            separator = _separator(piece, separator)
        match name:
            case b"MSH":
                frame.message()
            case b"BHS":
                frame.batch_begins()
            case b"BTS":
                frame.batch_ends(_declared(piece, separator))
            case b"FHS":
                frame.file_begins()
            case b"FTS":
                frame.file_ends(_declared(piece, separator))
    frame.end()
    return frame.faults


@dataclass(slots=True)
class _Frame:
    """Headers that wait for their trailer, and what has been counted since."""

    faults: list[Hl7Fault] = field(default_factory=list)
    is_file_open: bool = False
    is_batch_open: bool = False
    batches: int = 0
    trailers: int = 0
    messages: int = 0

    def message(self) -> None:
        self.batches = self.batches or 1
        self.messages += 1

    def batch_begins(self) -> None:
        self._batch_should_have_ended()
        self.is_batch_open, self.messages = True, 0
        self.batches += 1

    def batch_ends(self, declared: int | None) -> None:
        self.trailers += 1
        self.is_batch_open = False
        if declared not in {None, self.messages}:
            self.faults.append(Hl7Fault("hl7v2-batch-count", 102, "BTS", self.trailers, 1))

    def file_begins(self) -> None:
        self.end()
        self.is_file_open = True
        self.batches = self.messages = 0

    def file_ends(self, declared: int | None) -> None:
        self._batch_should_have_ended()
        self.is_file_open = False
        if declared not in {None, self.batches}:
            self.faults.append(Hl7Fault("hl7v2-batch-count", 102, "FTS", 1, 1))
        self.batches = self.messages = 0

    def end(self) -> None:
        self._batch_should_have_ended()
        if self.is_file_open:
            self.faults.append(Hl7Fault("hl7v2-batch-cut-off", 100, "FHS", 1))

    def _batch_should_have_ended(self) -> None:
        if self.is_batch_open:
            self.faults.append(Hl7Fault("hl7v2-batch-cut-off", 100, "BHS", self.batches))
            self.is_batch_open = False


def _separator(header: bytes, previous: bytes) -> bytes:
    try:
        return read_delimiters(header).field
    except Hl7SyntaxError:
        return previous


def _declared(trailer: bytes, separator: bytes) -> int | None:
    """What a trailer counts; None where it says nothing, -1 for a number beyond all sense."""
    fields = trailer.splitlines()[0].split(separator)
    told = fields[1].strip() if len(fields) > 1 else b""
    if not told.isdigit():
        return None
    return int(told) if len(told) <= _LONGEST_COUNT else -1
