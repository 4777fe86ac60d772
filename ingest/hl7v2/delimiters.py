"""The separators and encoding characters that a header segment declares for its message.

Source: HL7 v2.5.1 §2.5.4 (message delimiters), §2.16.1; v2.7 adds the truncation character.
"""

from dataclasses import dataclass
from functools import lru_cache

from ingest.hl7v2.faults import Hl7Fault, Hl7SyntaxError

HEADERS = (b"MSH", b"FHS", b"BHS")
"""Segments whose first field is the field separator itself."""

MAX_ENCODING_CHARACTERS = 5


@dataclass(frozen=True, slots=True)
class Delimiters:
    """One byte each; empty where the sender declared none and therefore uses none."""

    field: bytes
    component: bytes
    repetition: bytes
    escape: bytes
    subcomponent: bytes
    truncation: bytes

    @property
    def encoding_characters(self) -> bytes:
        """MSH-2 as it was sent."""
        return self.component + self.repetition + self.escape + self.subcomponent + self.truncation


STANDARD = Delimiters(b"|", b"^", b"~", b"\\", b"&", b"")


def read_delimiters(header: bytes) -> Delimiters:
    r"""The delimiters from the beginning of a header segment.

    Shape: `MSH|^~\&|…`; MSH-2 may be shorter (the rest is not used) or have a fifth, truncation,
    character.
    Errors: Hl7SyntaxError where no header stands or its delimiters cannot be told apart.
    Cost: a look-up for the beginning that nearly all messages have.
    """
    return _read_delimiters(header[: 4 + MAX_ENCODING_CHARACTERS + 1])


@lru_cache(maxsize=1024)
def _read_delimiters(header: bytes) -> Delimiters:
    if header[:3] not in HEADERS:
        raise Hl7SyntaxError(Hl7Fault("hl7v2-no-header", 100))
    segment = header[:3].decode("ascii")
    separator = header[3:4]
    encoding = header[4:].split(separator, 1)[0] if separator else b""
    encoding = encoding.split(b"\r", 1)[0].split(b"\n", 1)[0]
    declared = separator + encoding
    if not 1 <= len(encoding) <= MAX_ENCODING_CHARACTERS or not _are_delimiters(declared):
        raise Hl7SyntaxError(Hl7Fault("hl7v2-delimiters", 102, segment, 1, 2))
    characters = [encoding[i : i + 1] for i in range(MAX_ENCODING_CHARACTERS)]
    return Delimiters(separator, *characters)


def _are_delimiters(declared: bytes) -> bool:
    printable = all(0x20 < byte < 0x7F for byte in declared)
    return (
        printable
        and not any(map(str.isalnum, declared.decode("ascii")))
        and (len(set(declared)) == len(declared))
    )
