"""Messages that break the standard in a known way, mended before they are read.

What a sender does wrong is data (`Quirks`); the bytes as received stay in the journal, and are mended again
whenever they are read.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from ingest.hl7v2.delimiters import HEADERS, Delimiters, read_delimiters
from ingest.hl7v2.faults import Hl7SyntaxError
from ingest.hl7v2.message import unframed

Place = tuple[str, int, int]
"""Segment, field and component; component 0 is the whole value."""

TEXT_TYPES = frozenset({b"ST", b"TX", b"FT"})
_CHARSET = 18
_LINE_END = re.compile(rb"\r\n*")
_LOOKS_LIKE_OID = re.compile(rb"[0-2](\.\d+)+")


@dataclass(frozen=True, slots=True)
class Quirks:
    """What a sender does against the standard.

    Shape: `charset` the set (table 0211) that the bytes are in, whatever MSH-18 says; `lf_ends` that
    segments end with LF although CR stands in texts; `continued_lines` that a line which begins no segment
    continues the field before; `header` what MSH lacks; `dates` places whose dates are written by a pattern;
    `reversed_authorities` places of an HD with the OID in front of the namespace; `unescaped` the fields of
    an OBX in all, where separators within the text of OBX-5 are not escaped (0: they are); `repeated`
    segments that are sent again, byte for byte; `authorities` who assigned the patient numbers (CX) of a
    field that come without an authority.
    """

    charset: str = ""
    lf_ends: bool = False
    continued_lines: bool = False
    header: Mapping[Place, bytes] = field(default_factory=dict)
    dates: Mapping[Place, re.Pattern[bytes]] = field(default_factory=dict)
    reversed_authorities: frozenset[Place] = frozenset()
    unescaped: int = 0
    repeated: frozenset[str] = frozenset()
    authorities: Mapping[Place, bytes] = field(default_factory=dict)

    def mend(self, raw: bytes) -> bytes:
        """The message as the sender should have written it; bytes that have no header stay as they are.

        Cost: one pass over the lines; fields are cut in segments that a quirk names.
        """
        content = unframed(raw)
        try:
            delimiters = read_delimiters(content)
        except Hl7SyntaxError:
            return raw
        lines = self._once(self._lines(content, delimiters))
        # A line left out at the end leaves the end of the one before.
        return unframed(b"\r".join(self._mended(line, delimiters) for line in lines))

    def _lines(self, content: bytes, delimiters: Delimiters) -> list[bytes]:
        if self.lf_ends:
            between = _line_break(delimiters)
            lines = [line.rstrip(b"\r").replace(b"\r", between) for line in content.split(b"\n")]
        else:
            lines = _LINE_END.split(content) if b"\r" in content else content.split(b"\n")
        return _joined(lines, delimiters) if self.continued_lines else lines

    def _once(self, lines: Sequence[bytes]) -> list[bytes]:
        seen: set[bytes] = set()
        kept = []
        for line in lines:
            name = line[:3].decode("latin-1")
            if name in self.repeated and line in seen:
                continue
            seen.add(line)
            kept.append(line)
        return kept

    def _mended(self, line: bytes, delimiters: Delimiters) -> bytes:
        name = line[:3]
        if self.unescaped and name == b"OBX":
            line = _escaped_text(line, delimiters, self.unescaped)
        segment = name.decode("latin-1")
        changes = self._changes(segment)
        if not changes and not any(segment == place[0] for place in self.authorities):
            return line
        fields = line.split(delimiters.field)
        for (_, number, component), change in changes:
            at = number - 1 if name in HEADERS else number
            if name in HEADERS:
                fields += [b""] * (at + 1 - len(fields))
            if at < len(fields):
                fields[at] = _changed(fields[at], component, change, delimiters)
        self._assigned(fields, segment, delimiters)
        return delimiters.field.join(fields)

    def _changes(self, name: str) -> list[tuple[Place, Callable[[bytes, bytes], bytes]]]:
        found: list[tuple[Place, Callable[[bytes, bytes], bytes]]] = []
        if name == "MSH" and self.charset:
            declared = self.charset.encode()
            found.append((("MSH", _CHARSET, 0), lambda _value, _sub: declared))
        found += [(place, _filled(text)) for place, text in self.header.items() if name == place[0]]
        found += [(place, _dated(form)) for place, form in self.dates.items() if name == place[0]]
        found += [(place, _turned) for place in self.reversed_authorities if name == place[0]]
        return found

    def _assigned(self, fields: list[bytes], name: str, delimiters: Delimiters) -> None:
        for (segment, number, _), authority in self.authorities.items():
            if segment == name and number < len(fields):
                fields[number] = _with_authority(fields[number], authority, delimiters)


AS_SENT = Quirks()
"""Of a sender that keeps to the standard."""


def _line_break(delimiters: Delimiters) -> bytes:
    return delimiters.escape + b".br" + delimiters.escape if delimiters.escape else b" "


def _joined(lines: Sequence[bytes], delimiters: Delimiters) -> list[bytes]:
    """Lines that begin no segment, put behind the one before with a line break of the standard."""
    begins = re.compile(rb"[A-Z][A-Z0-9]{2}(?:" + re.escape(delimiters.field) + rb"|$)")
    between = _line_break(delimiters)
    joined: list[list[bytes]] = []
    empty = 0
    for line in lines:
        if not line:
            empty += 1
            continue
        if joined and not begins.match(line):
            # An empty line before more text parts two paragraphs; one before a segment says nothing.
            joined[-1] += [b""] * empty + [line]
        else:
            joined.append([line])
        empty = 0
    return [between.join(parts) for parts in joined]


def _escaped_text(line: bytes, delimiters: Delimiters, fields_in_all: int) -> bytes:
    """OBX-5 of a text type: its separators are text; what an OBX has too many fields belongs to it."""
    fields = line.split(delimiters.field)
    surplus = max(len(fields) - 1 - fields_in_all, 0)
    if len(fields) < 6 or fields[2] not in TEXT_TYPES or not delimiters.escape:
        return line
    parts = fields[5 : 6 + surplus]
    escape = delimiters.escape
    letters = {
        delimiters.component: b"S",
        delimiters.subcomponent: b"T",
        delimiters.repetition: b"R",
    }
    text = (escape + b"F" + escape).join(parts)
    for delimiter, letter in letters.items():
        if delimiter:
            text = text.replace(delimiter, escape + letter + escape)
    return delimiters.field.join([*fields[:5], text, *fields[6 + surplus :]])


def _changed(
    value: bytes, component: int, change: Callable[[bytes, bytes], bytes], delimiters: Delimiters
) -> bytes:
    """A field with a change made to a component of each repetition, or to each whole."""
    if not component:
        return change(value, delimiters.subcomponent)
    repetitions = value.split(delimiters.repetition) if delimiters.repetition else [value]
    changed = []
    for repetition in repetitions:
        parts = repetition.split(delimiters.component)
        parts += [b""] * (component - len(parts))
        parts[component - 1] = change(parts[component - 1], delimiters.subcomponent)
        changed.append(delimiters.component.join(parts).rstrip(delimiters.component))
    return (delimiters.repetition or b"").join(changed)


_NUMBER, _AUTHORITY, _TYPE = 0, 3, 4
_PATIENT_NUMBERS = frozenset({b"", b"MR", b"PI"})


def _with_authority(value: bytes, authority: bytes, delimiters: Delimiters) -> bytes:
    """A list of CX, those that may be patient numbers and name no authority with this one."""
    repetitions = value.split(delimiters.repetition) if delimiters.repetition else [value]
    changed = []
    for repetition in repetitions:
        parts = repetition.split(delimiters.component)
        padded = parts + [b""] * (_TYPE + 1 - len(parts))
        lacks = padded[_NUMBER] not in {b"", b'""'} and not padded[_AUTHORITY]
        if lacks and padded[_TYPE] in _PATIENT_NUMBERS:
            padded[_AUTHORITY] = authority
            parts = padded
        changed.append(delimiters.component.join(parts))
    return (delimiters.repetition or b"").join(changed)


def _filled(text: bytes) -> Callable[[bytes, bytes], bytes]:
    return lambda value, _sub: value or text


def _dated(form: re.Pattern[bytes]) -> Callable[[bytes, bytes], bytes]:
    """A date in the form of the sender as YYYYMMDDHHMMSS, as far as it goes; others stay."""

    def dated(value: bytes, _sub: bytes) -> bytes:
        match = form.fullmatch(value.strip())
        if match is None:
            return value
        parts = match.groupdict(b"")
        return b"".join(parts.get(name, b"") for name in ("YYYY", "MM", "DD", "hh", "mm", "ss"))

    return dated


def _turned(value: bytes, sub: bytes) -> bytes:
    """An HD whose OID stands first, with the namespace first."""
    parts = value.split(sub) if sub else [value]
    if len(parts) < 2 or not _LOOKS_LIKE_OID.fullmatch(parts[0]):
        return value
    if _LOOKS_LIKE_OID.fullmatch(parts[1]):
        # Nobody knows which of the two is the namespace.
        return value
    return sub.join([parts[1], parts[0], *parts[2:]])
