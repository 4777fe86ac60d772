"""A message: bytes, the places where its segments begin and end, and the ways to look into it.

Source: HL7 v2.5.1 chapter 2.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import islice

from ingest.hl7v2.charset import codec_for, first_control, first_undecodable
from ingest.hl7v2.delimiters import Delimiters, read_delimiters
from ingest.hl7v2.faults import Hl7Fault, Hl7SyntaxError
from ingest.hl7v2.hprim import is_hprim
from ingest.hl7v2.segment import NULL, Part, Repetition, Segment
from ingest.hl7v2.syntax import syntax_for

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_PADDING = b"\x0b\x1c\r\n"
_SEGMENT_NAME = re.compile(r"[A-Z][A-Z0-9]{2}")
_PATH = re.compile(
    r"(?P<segment>[A-Z][A-Z0-9]{2})(?:\[(?P<sequence>\d+)\])?-(?P<field>\d+)(?:\[(?P<repetition>\d+)\])?"
    r"(?:\.(?P<component>\d+))?(?:\.(?P<sub>\d+))?"
)


MOST_PARTS = 500_000
"""Segments, fields, repetitions, components and subcomponents together: ten thousand results fit. What has
more would take many times its own size in memory; a document, however large, is one part."""

MOST_FAULTS = 20
"""Faults that are told of one message: who sends more has not sent HL7 v2."""


class Message:
    """An HL7 v2 message, read as far as it is asked.

    Shape: `raw` is the content without byte order mark and without framing characters around it;
    `segments` in order, nothing dropped.
    """

    __slots__ = ("_names", "charset", "delimiters", "raw", "segments", "syntax")

    def __init__(self, raw: bytes, delimiters: Delimiters, default_charset: str) -> None:
        self.raw = raw
        self.delimiters = delimiters
        self._names: dict[str, list[Segment]] | None = None
        spans = _segment_spans(raw)
        self.segments = [Segment(self, i, start, end) for i, (start, end) in enumerate(spans)]
        declared = self.segments[0].field(18)
        self.charset = bytes(declared[0].raw).decode("latin-1") if declared else default_charset
        self.syntax = syntax_for(delimiters, codec_for(self.charset) or "ascii")

    @classmethod
    def parse(cls, raw: bytes, *, default_charset: str = "") -> "Message":
        """Read a message.

        Shape: byte order mark and framing characters around the content are taken off. Segments end
        with CR or CR LF; with LF only where the message has no CR at all. `default_charset` (table
        0211) counts where MSH-18 is empty.
        Errors: Hl7SyntaxError where no MSH segment with usable delimiters stands at the beginning, or
        where there are more than MOST_PARTS. What is wrong further on is told by `faults`.
        Cost: one pass over the bytes for the segment ends; fields are cut when they are asked for.
        """
        content = unframed(raw)
        if not content.startswith(b"MSH") and is_hprim(content):
            raise Hl7SyntaxError(Hl7Fault("hl7v2-hprim", 200))
        delimiters = read_delimiters(content)
        if not content.startswith(b"MSH"):
            raise Hl7SyntaxError(Hl7Fault("hl7v2-no-header", 100))
        if len(content) > MOST_PARTS and _parts(content, delimiters) > MOST_PARTS:
            raise Hl7SyntaxError(Hl7Fault("hl7v2-too-many-parts", 104))
        return cls(content, delimiters, default_charset)

    def decode(self, raw: Part) -> str:
        """The text of a raw value: decoded by MSH-18, escapes replaced."""
        text = str(raw, self.syntax.codec)
        return self.syntax.unescape(text) if self.syntax.escape in text else text

    @property
    def codec(self) -> str:
        """The Python codec that MSH-18 asks for."""
        return self.syntax.codec

    @property
    def _by_name(self) -> dict[str, list[Segment]]:
        found = self._names
        if found is None:
            found = self._names = {}
            for segment in self.segments:
                found.setdefault(segment.name, []).append(segment)
        return found

    def all(self, name: str) -> list[Segment]:
        """The segments of this name, in order."""
        return self._by_name.get(name, [])

    def first(self, name: str) -> Segment | None:
        """The first segment of this name."""
        found = self._by_name.get(name)
        return found[0] if found else None

    def get(self, path: str) -> str | None:
        """The text at a path such as `PID-3[1].4.2` or `OBX[2]-5`; None where nothing stands there."""
        name, sequence, field, repetition, component, sub = _parse_path(path)
        segments = self._by_name.get(name, [])
        if sequence > len(segments):
            return None
        repetitions = segments[sequence - 1].field(field)
        if repetition > len(repetitions):
            return None
        return repetitions[repetition - 1].component(component, sub)

    def repetitions(self, name: str, field: int) -> Iterator[Repetition]:
        """Every repetition of a field in every segment of a name."""
        for segment in self.all(name):
            yield from segment.field(field)

    @property
    def control_id(self) -> str | None:
        """MSH-10."""
        return self.get("MSH-10")

    @property
    def type(self) -> str | None:
        """MSH-9.1, such as ORU."""
        return self.get("MSH-9")

    @property
    def trigger(self) -> str | None:
        """MSH-9.2, such as R01."""
        return self.get("MSH-9.2")

    @property
    def structure(self) -> str | None:
        """MSH-9.3, such as ORU_R01; None where the sender leaves it out."""
        return self.get("MSH-9.3")

    @property
    def sending_application(self) -> str | None:
        """MSH-3.1."""
        return self.get("MSH-3")

    @property
    def sending_facility(self) -> str | None:
        """MSH-4.1."""
        return self.get("MSH-4")

    @property
    def version(self) -> str | None:
        """MSH-12.1."""
        return self.get("MSH-12")

    def faults(self) -> list[Hl7Fault]:
        """What makes the message unreadable or unanswerable, found without cutting its fields.

        Shape: the character set is unknown or broken, a control character stands in it, a segment has no
        proper name, MSH-9 or MSH-10 is
        missing, or a second message stands behind the first, since one answer cannot answer both; at
        most MOST_FAULTS. Once this list is empty no reading of a value can fail.
        """
        return list(islice(self._faults(), MOST_FAULTS))

    def _faults(self) -> Iterator[Hl7Fault]:
        for segment in self.segments:
            if not self._is_well_begun(segment):
                yield segment.fault("hl7v2-segment-name", 100)
        for segment in self.all("MSH")[1:]:
            yield segment.fault("hl7v2-second-header", 100)
        charset_fault = self._charset_fault()
        if charset_fault is not None:
            yield charset_fault
            return
        control = first_control(self.raw)
        if control is not None:
            yield self.fault_at(control, "hl7v2-control-character", 102)
        header = self.segments[0]
        for field in (9, 10):
            first = header.field(field)
            if not first or first[0].component(1) in {None, NULL}:
                yield header.fault("hl7v2-required-field", 101, field)

    def _is_well_begun(self, segment: Segment) -> bool:
        after = self.raw[segment.start + 3 : min(segment.start + 4, segment.end)]
        return bool(_SEGMENT_NAME.fullmatch(segment.name)) and after in {b"", self.delimiters.field}

    def _charset_fault(self) -> Hl7Fault | None:
        if codec_for(self.charset) is None:
            return self.segments[0].fault("hl7v2-charset-unknown", 103, 18)
        offset = first_undecodable(self.raw, self.syntax.codec)
        return None if offset is None else self.fault_at(offset, "hl7v2-undecodable", 102)

    def fault_at(self, offset: int, issue_id: str, condition: int) -> Hl7Fault:
        """A fault at an offset in the bytes, told by segment, field, repetition and component."""
        segment = next(s for s in reversed(self.segments) if s.start <= offset)
        before = self.raw[segment.start : offset]
        field = before.count(self.delimiters.field)
        in_field = before.rsplit(self.delimiters.field, 1)[-1]
        if segment.is_header:
            field += 1
        repetition, in_repetition = _count_and_rest(in_field, self.delimiters.repetition)
        component, in_component = _count_and_rest(in_repetition, self.delimiters.component)
        subcomponent, _ = _count_and_rest(in_component, self.delimiters.subcomponent)
        place = (field, repetition, component, subcomponent) if field else ()
        return segment.fault(issue_id, condition, *place)


def _count_and_rest(before: bytes, delimiter: bytes) -> tuple[int, bytes]:
    if not delimiter:
        return 1, before
    return before.count(delimiter) + 1, before.rsplit(delimiter, 1)[-1]


def _parts(content: bytes, delimiters: Delimiters) -> int:
    ends = (
        delimiters.field,
        delimiters.repetition,
        delimiters.component,
        delimiters.subcomponent,
        _terminator(content),
    )
    return sum(content.count(end) for end in ends if end)


def _terminator(content: bytes) -> bytes:
    return b"\r" if b"\r" in content else b"\n"


def unframed(raw: bytes) -> bytes:
    """The content without byte order mark, framing characters and line ends around it.

    Some senders wrap a message twice (0x0B 0x0B … 0x1C CR 0x1C CR); all layers go.
    """
    content = raw
    if raw[:1] in {b"\x0b", b"\xef", b"\r", b"\n"}:
        content = raw.lstrip(_PADDING).removeprefix(_BYTE_ORDER_MARK).lstrip(_PADDING)
    if content[-1:] in {b"\x1c", b"\x0b", b"\r", b"\n"}:
        content = content.rstrip(_PADDING)
    return content


def _segment_spans(raw: bytes) -> list[tuple[int, int]]:
    spans: list[tuple[int, int]] = []
    find, terminator = raw.find, _terminator(raw)
    start, size = 0, len(raw)
    while start < size:
        end = find(terminator, start)
        if end < 0:
            end = size
        # After CR a line feed belongs to the terminator (CR LF), it never begins a segment.
        while start < end and raw[start] == 0x0A:
            start += 1
        if end > start:
            spans.append((start, end))
        start = end + 1
    return spans


@lru_cache(maxsize=4096)
def _parse_path(path: str) -> tuple[str, int, int, int, int, int]:
    match = _PATH.fullmatch(path)
    if match is None:
        raise ValueError(f"no path into an HL7 v2 message: {path!r}")
    places = ("sequence", "field", "repetition", "component", "sub")
    sequence, field, repetition, component, sub = (int(match[place] or 1) for place in places)
    return match["segment"], sequence, field, repetition, component, sub
