"""Acknowledgements: original mode (AA, AE, AR) and enhanced mode (CA, CE, CR), with ERR segments.

Source: HL7 v2.5.1 §2.9.2 (original), §2.9.3 (enhanced), §2.15.1 (ACK), §2.15.5 (ERR), §2.15.8 (MSA),
tables 0008 (acknowledgement code), 0155 (accept conditions), 0357.
"""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from enum import Enum
from typing import NamedTuple

from fhir_server.model.issues import ISSUE_ID_SYSTEM
from ingest.hl7v2.charset import codec_for
from ingest.hl7v2.delimiters import STANDARD, Delimiters, read_delimiters
from ingest.hl7v2.escape import escape_text
from ingest.hl7v2.faults import CONDITION_TEXTS, Hl7Fault, Hl7SyntaxError
from ingest.hl7v2.message import unframed
from ingest.hl7v2.segment import Part, cut


class Outcome(Enum):
    """What became of a message: its code in original and in enhanced mode."""

    ACCEPT = ("AA", "CA")
    """Committed: the receiver takes responsibility, the sender is free."""
    ERROR = ("AE", "CE")
    """The message itself is at fault: the same bytes will fail again."""
    REJECT = ("AR", "CR")
    """A circumstance on this side: the same bytes may be sent again later."""


NEVER_ANSWERED = frozenset({b"ACK", b"MCF"})
"""An answer is not answered: two systems would answer each other for ever."""


class Header(NamedTuple):
    """What an acknowledgement takes over from the MSH that it answers, raw; empty where unreadable."""

    delimiters: Delimiters = STANDARD
    fields: Sequence[Part] = ()

    def raw(self, number: int) -> bytes:
        """A field of MSH by its number."""
        return bytes(self.fields[number]) if number < len(self.fields) else b""

    def component(self, field: int, number: int) -> bytes:
        """A component of a field of MSH."""
        components = self.raw(field).split(self.delimiters.component)
        return components[number - 1] if number <= len(components) else b""

    @property
    def codec(self) -> str:
        """The codec of the message, which its acknowledgement keeps."""
        return codec_for(self.raw(18).decode("latin-1")) or "ascii"


_SEGMENT_END = re.compile(rb"[\r\n\x1c]")
_LONGEST_HEADER = 8_192


def read_header(raw: bytes) -> Header:
    """The MSH of a frame, whatever else is wrong with the frame, so that MSA-2 can name the message.

    Shape: an empty header where no MSH stands at the beginning.
    """
    content = unframed(raw[:_LONGEST_HEADER])
    try:
        delimiters = read_delimiters(content)
    except Hl7SyntaxError:
        return Header()
    segment = _SEGMENT_END.split(content, maxsplit=1)[0]
    if not segment.startswith(b"MSH"):
        return Header()
    fields = cut(segment, delimiters.field)
    return Header(delimiters, [fields[0], delimiters.field, *fields[1:]])


def acknowledge(
    header: Header,
    outcome: Outcome,
    faults: Sequence[Hl7Fault] = (),
    *,
    control_id: str,
    now: datetime | None = None,
) -> bytes | None:
    """The bytes to answer with, ending in CR; None where the sender asked for no answer.

    Shape: sender and receiver of the message change places; MSA-2 echoes its MSH-10 byte for byte; one
    ERR per fault with its place (ERL), its code of table 0357 and our issue id, never a value.
    """
    code = _code(header, outcome)
    if code is None:
        return None
    segments = [_msh(header, control_id, now or datetime.now(UTC)), _msa(header, code)]
    segments += [_err(header, fault) for fault in faults]
    return b"".join(segment + b"\r" for segment in segments)


def _code(header: Header, outcome: Outcome) -> str | None:
    """The code by MSH-15 and MSH-16; None where their condition (table 0155) says to keep silent.

    Source: §2.9.2: original mode is MSH-15 = NE with MSH-16 = AL; there the one answer is the
    application acknowledgement. With any other MSH-15 in enhanced mode the answer is the commit
    acknowledgement.
    """
    if header.component(9, 1) in NEVER_ANSWERED:
        return None
    original, enhanced = outcome.value
    accept, application = header.raw(15), header.raw(16)
    if not accept and not application:
        return original
    if accept in {b"", b"NE"}:
        return original if _is_wanted(application, outcome) else None
    return enhanced if _is_wanted(accept, outcome) else None


def _is_wanted(condition: bytes, outcome: Outcome) -> bool:
    match condition:
        case b"NE" | b"":
            return False
        case b"ER":
            return outcome is not Outcome.ACCEPT
        case b"SU":
            return outcome is Outcome.ACCEPT
    return True


def _msh(header: Header, control_id: str, now: datetime) -> bytes:
    delimiters = header.delimiters
    type_parts = [b"ACK"]
    if trigger := header.component(9, 2):
        type_parts += [trigger, b"ACK"]
    fields = [
        b"MSH",
        delimiters.encoding_characters,
        header.raw(5),
        header.raw(6),
        header.raw(3),
        header.raw(4),
        now.astimezone(UTC).strftime("%Y%m%d%H%M%S+0000").encode(),
        b"",
        delimiters.component.join(type_parts),
        control_id.encode(),
        header.raw(11) or b"P",
        header.raw(12) or b"2.5.1",
    ]
    if header.raw(18):
        fields += [b""] * 5 + [header.raw(18)]
    return delimiters.field.join(fields)


def _msa(header: Header, code: str) -> bytes:
    return header.delimiters.field.join([b"MSA", code.encode(), header.raw(10)])


def _err(header: Header, fault: Hl7Fault) -> bytes:
    delimiters = header.delimiters
    issue = fault.issue()
    condition = [str(fault.condition), CONDITION_TEXTS[fault.condition], "HL70357"]
    own_code = [fault.id, "", ISSUE_ID_SYSTEM]
    severity = {"warning": "W", "information": "I"}.get(fault.severity, "E")
    fields = [
        "ERR",
        _error_location(header, fault),
        _location(delimiters, fault),
        _components(delimiters, condition),
        severity,
        _components(delimiters, own_code),
        "",
        _text(delimiters, issue.hint()),
        _text(delimiters, issue.text()),
    ]
    line = delimiters.field.decode().join(fields)
    return line.encode(header.codec, "replace")


def _location(delimiters: Delimiters, fault: Hl7Fault) -> str:
    """ERR-2 (ERL): segment, its sequence, field, repetition, component, subcomponent."""
    if not fault.segment:
        return ""
    places = [
        fault.sequence,
        fault.field,
        fault.repetition,
        fault.component,
        fault.subcomponent,
    ]
    written = [fault.segment, *(str(place) if place else "" for place in places)]
    return delimiters.component.decode().join(written).rstrip(delimiters.component.decode())


def _error_location(header: Header, fault: Hl7Fault) -> str:
    """ERR-1 (ELD), which versions before 2.5 read; later ones leave it empty."""
    version = header.component(12, 1)
    if not fault.segment or not re.fullmatch(rb"2\.[1-4](\.\d+)?", version):
        return ""
    delimiters = header.delimiters
    code = [str(fault.condition), CONDITION_TEXTS[fault.condition], "HL70357"]
    inner = delimiters.subcomponent.decode().join(code) if delimiters.subcomponent else code[0]
    parts = [fault.segment, str(fault.sequence or 1), str(fault.field or ""), inner]
    return delimiters.component.decode().join(parts)


def _components(delimiters: Delimiters, values: Sequence[str]) -> str:
    return delimiters.component.decode().join(_text(delimiters, value) for value in values)


def _text(delimiters: Delimiters, value: str) -> str:
    return escape_text(value, delimiters)
