"""Files of messages: one or more messages, bare or as a batch with FHS, BHS, BTS and FTS.

Source: HL7 v2.5.1 §2.10.3 (batch protocol).
"""

import re
from dataclasses import dataclass

from ingest.hl7v2.delimiters import read_delimiters
from ingest.hl7v2.faults import Hl7Fault, Hl7SyntaxError
from ingest.hl7v2.message import unframed

_LINE_ENDS = b"\r\n\x0b\x1c"
_SEGMENT_BEGIN = re.compile(
    rb"(?:\A|(?<=[\r\n\x0b]))(?:MSH|FHS|BHS|BTS|FTS)(?=[^A-Za-z0-9\s]|[\r\n]|\Z)"
)


@dataclass(frozen=True, slots=True)
class Batch:
    """The messages of a file, in order, and what is wrong with its frame."""

    messages: tuple[bytes, ...]
    faults: tuple[Hl7Fault, ...]


def read_batch(content: bytes) -> Batch:
    """Split a file into its messages.

    Shape: messages as they stand, without the batch's own segments. Faults: content before the first
    header; BTS-1 or FTS-1 that do not count what stands before them.
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
    return Batch(tuple(messages), (*faults, *_count_faults(pieces)))


def _count_faults(pieces: list[bytes]) -> list[Hl7Fault]:
    faults = []
    separator = b"|"
    in_batch = batches = trailers = 0
    for piece in pieces:
        name = piece[:3]
        if name in {b"MSH", b"FHS", b"BHS"}:
            separator = _separator(piece, separator)
        if name == b"MSH":
            in_batch += 1
        elif name == b"BHS":
            in_batch, batches = 0, batches + 1
        elif name == b"BTS":
            trailers += 1
            if _declared(piece, separator) not in {None, in_batch}:
                faults.append(Hl7Fault("hl7v2-batch-count", 102, "BTS", trailers, 1))
        elif name == b"FTS" and _declared(piece, separator) not in {None, batches}:
            faults.append(Hl7Fault("hl7v2-batch-count", 102, "FTS", 1, 1))
    return faults


def _separator(header: bytes, previous: bytes) -> bytes:
    try:
        return read_delimiters(header).field
    except Hl7SyntaxError:
        return previous


def _declared(trailer: bytes, separator: bytes) -> int | None:
    fields = trailer.splitlines()[0].split(separator)
    return int(fields[1]) if len(fields) > 1 and fields[1].isdigit() else None
