"""Segments, fields and repetitions: cut from the message's bytes only when they are asked for.

Source: HL7 v2.5.1 §2.5 (segments, fields, delimiters), §2.5.3.5 (empty versus `""`).
"""

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from functools import cache
from operator import attrgetter
from string import ascii_letters, digits
from typing import TYPE_CHECKING, AnyStr, Final, TypeVar

from ingest.hl7v2.delimiters import HEADERS
from ingest.hl7v2.faults import Hl7Fault, Hl7SyntaxError
from ingest.hl7v2.syntax import Syntax

if TYPE_CHECKING:
    from ingest.hl7v2.message import Message

Part = bytes | memoryview
"""A piece of the message: a copy where it is small, a view where it is large (embedded documents)."""

NULL: Final = '""'
"""What a sender writes to say that a value is to be deleted; an empty place says nothing about it."""

LARGE = 65_536
"""From this size on a piece is never copied, only looked at."""

ALPHANUMERIC: Final = frozenset((ascii_letters + digits).encode())
"""Bytes that are never delimiters."""

_HEADER_NAMES: Final = frozenset(name.decode() for name in HEADERS)
_INDEX = attrgetter("index")

Leaf = tuple[int, int, int, int, Part]
"""Field, repetition, component, subcomponent (from 1) and the raw value, escapes and all."""

Kind = TypeVar("Kind", bound="Repetition")

Value = tuple[int, int, int, int, str]
"""The same with the value as text."""


def cut(part: Part, delimiter: bytes) -> list[Part]:
    """The pieces between delimiters. An empty delimiter does not cut."""
    if not delimiter:
        return [part]
    if isinstance(part, bytes):
        return [*part.split(delimiter)]
    pieces: list[Part] = []
    start = 0
    for match in _pattern(delimiter).finditer(part):
        pieces.append(_small(part[start : match.start()]))
        start = match.end()
    pieces.append(_small(part[start:]))
    return pieces


@cache
def _pattern(delimiter: bytes) -> re.Pattern[bytes]:
    return re.compile(re.escape(delimiter))


def _small(view: memoryview) -> Part:
    return view if len(view) >= LARGE else bytes(view)


def cut_up(
    number: int, field: AnyStr, ends: tuple[AnyStr, AnyStr, AnyStr]
) -> list[tuple[int, int, int, int, AnyStr]]:
    """The values of a field with their places. Cost: nothing is cut where nothing ends."""
    found: list[tuple[int, int, int, int, AnyStr]] = []
    repetition_end, component_end, sub_end = ends
    for repetition, whole in enumerate(field.split(repetition_end), 1):
        if component_end not in whole and sub_end not in whole:
            if whole:
                found.append((number, repetition, 1, 1, whole))
            continue
        for component, part in enumerate(whole.split(component_end), 1):
            if sub_end in part:
                subs = enumerate(part.split(sub_end), 1)
                found += [(number, repetition, component, sub, raw) for sub, raw in subs if raw]
            elif part:
                found.append((number, repetition, component, 1, part))
    return found


def _values_of(number: int, field: str, syntax: Syntax) -> list[Value]:
    """The values of a field that has repetitions, subcomponents or escapes."""
    found = cut_up(number, field, syntax.text_ends)
    if syntax.escape in field:
        for index, value in enumerate(found):
            if syntax.escape in value[4]:
                found[index] = (*value[:4], syntax.unescape(value[4]))
    return found


class Repetition:
    """One repetition of a field."""

    __slots__ = ("_components", "field", "number", "raw", "segment")

    def __init__(self, segment: "Segment", field: int, number: int, raw: Part) -> None:
        self.segment = segment
        self.field = field
        self.number = number
        self.raw = raw
        self._components: list[Part] | None = None

    def components(self) -> list[Part]:
        """The raw components."""
        found = self._components
        if found is None:
            raw, end = self.raw, self.segment.message.delimiters.component
            found = [*raw.split(end)] if end and type(raw) is bytes else cut(raw, end)
            self._components = found
        return found

    def component_raw(self, component: int, subcomponent: int = 1) -> Part:
        """The raw bytes of a (sub)component; empty where there is none."""
        components = self.components()
        if component > len(components):
            return b""
        part = components[component - 1]
        if not part:
            return b""
        end = self.segment.message.delimiters.subcomponent
        if type(part) is bytes and (not end or end not in part):
            return part if subcomponent == 1 else b""
        pieces = cut(part, end)
        return pieces[subcomponent - 1] if subcomponent <= len(pieces) else b""

    def component(self, component: int, sub: int = 1) -> str | None:
        """The text of a (sub)component.

        Shape: decoded and unescaped; None where it is empty; NULL for `""`. A component that is itself
        divided gives its first subcomponent.
        Errors: Hl7SyntaxError with the place, for bytes that the declared character set does not have.
        """
        raw = self.component_raw(component, sub)
        return self._decode(raw, component, sub) if raw else None

    @property
    def text(self) -> str | None:
        """The repetition as one text, for ST, TX and FT: delimiters that were not escaped stay in it."""
        return self._decode(self.raw, 0, 0) if self.raw else None

    def _decode(self, raw: Part, component: int, subcomponent: int) -> str:
        if raw == b'""':
            return NULL
        try:
            return self.segment.message.decode(raw)
        except UnicodeDecodeError:
            place = (self.field, self.number, component, subcomponent)
            raise Hl7SyntaxError(self.segment.fault("hl7v2-undecodable", 102, *place)) from None


class HeaderCharacters(Repetition):
    """MSH-1 or MSH-2 (and those of FHS and BHS): the delimiters themselves, cut by nothing."""

    __slots__ = ()

    def component_raw(self, component: int, subcomponent: int = 1) -> Part:
        """The characters, which are one component with one subcomponent."""
        return self.raw if component == subcomponent == 1 else b""

    def _decode(self, raw: Part, component: int, subcomponent: int) -> str:  # noqa: ARG002 — overrides
        try:
            return bytes(raw).decode(self.segment.message.syntax.codec)
        except UnicodeDecodeError:
            # Those of a header within the message are checked by nobody.
            place = (self.field, self.number, 1, 1)
            raise Hl7SyntaxError(self.segment.fault("hl7v2-undecodable", 102, *place)) from None


class Segment:
    """One segment of a message; `start` and `end` are its place in the message's bytes."""

    __slots__ = ("_fields", "_repetitions", "end", "index", "message", "name", "start")

    def __init__(self, message: "Message", index: int, start: int, end: int) -> None:
        self.message = message
        self.index = index
        self.start = start
        self.end = end
        self.name = str(message.raw[start : start + 3 if end - start > 3 else end], "latin-1")
        self._fields: list[Part] | None = None
        self._repetitions: dict[int, list[Repetition]] = {}

    @property
    def raw(self) -> bytes:
        """The bytes of the segment without its terminator."""
        return self.message.raw[self.start : self.end]

    @property
    def sequence(self) -> int:
        """Which one of the segments of this name it is, from 1."""
        return 1 + bisect_left(self.message.all(self.name), self.index, key=_INDEX)

    @property
    def fields(self) -> list[Part]:
        """The raw fields; [0] is the name, so that the index is the field's number."""
        found = self._fields
        if found is None:
            found = self._fields = self._cut_fields()
        return found

    def field(self, number: int) -> list[Repetition]:
        """The repetitions of a field, [] where it is empty. MSH-1 is the field separator."""
        found = self._repetitions.get(number)
        if found is None:
            if number <= 2 and self.is_header and number < len(self.fields):
                found = [HeaderCharacters(self, number, 1, self.fields[number])]
            else:
                found = self.repetitions(number, Repetition)
            self._repetitions[number] = found
        return found

    def text(self, number: int, component: int = 1, sub: int = 1) -> str | None:
        """The text of a (sub)component of a field's first repetition; None where it is empty.

        Errors: those of `Repetition.component`.
        Cost: no object is made for it, but for a field of the header and a component that is divided.
        """
        fields = self._fields or self.fields
        raw = fields[number] if number < len(fields) else None
        if not raw:
            return None
        if type(raw) is bytes and (number > 2 or not self.is_header):
            repetition_end, component_end, sub_end = self.message.syntax.ends
            parts = raw.split(repetition_end, 1)[0].split(component_end)
            part = parts[component - 1] if component <= len(parts) else b""
            if not part or (sub > 1 and sub_end not in part):
                return None
            if sub_end not in part:
                try:
                    return self.message.decode(part)
                except UnicodeDecodeError:
                    # The repetition tells the place.
                    return self.field(number)[0].component(component, sub)
        return self.field(number)[0].component(component, sub)

    def starts_valued(self, number: int) -> bool:
        """Whether a field begins with a letter or digit, so that its first component has a value.

        Shape: false says nothing; the value may begin with another character.
        Source: §2.5.4; delimiters are never letters or digits here (`read_delimiters`).
        """
        fields = self._fields or self.fields
        raw = fields[number] if number < len(fields) else b""
        return bool(raw) and raw[0] in ALPHANUMERIC

    def repetitions(self, number: int, kind: type[Kind]) -> list[Kind]:
        """The same as objects of another kind of repetition, new ones each time."""
        fields = self.fields
        if number >= len(fields) or not fields[number]:
            return []
        raw = fields[number]
        end = self.message.delimiters.repetition
        if type(raw) is bytes and (not end or end not in raw):
            return [kind(self, number, 1, raw)]
        return [kind(self, number, n, piece) for n, piece in enumerate(cut(raw, end), 1)]

    def leaves(self, only: Sequence[int] | None = None) -> Iterator[Leaf]:
        """Every value that is not empty, with its place: what a mapping has to account for.

        Shape: of the fields in `only` where it is given.
        """
        ends, fields = self.message.syntax.ends, self.fields
        for number in range(1, len(fields)) if only is None else only:
            field = fields[number]
            if not field:
                continue
            if number <= 2 and self.is_header:
                yield number, 1, 1, 1, field
            elif isinstance(field, bytes):
                yield from cut_up(number, field, ends)
            else:
                yield from self._large_leaves(number, field)

    def values(self) -> list[Value]:
        """Every value that is not empty, with its place, as text.

        Errors: Hl7SyntaxError for bytes that the declared character set does not have.
        Cost: the segment is decoded as a whole where it is small, so this is the fast way to read all.
        """
        message = self.message
        syntax = message.syntax
        if self.end - self.start >= LARGE:
            return self._values_one_by_one()
        try:
            text = message.raw[self.start : self.end].decode(syntax.codec)
        except UnicodeDecodeError:
            return self._values_one_by_one()
        fields = text.split(syntax.field_end)
        fields[0] = ""
        found: list[Value] = []
        if self.is_header:
            found = [(1, 1, 1, 1, syntax.field_end)]
            found += [(2, 1, 1, 1, characters) for characters in fields[1:2] if characters]
            fields[:2] = ("", "", "")
        repetition_end, component_end, sub_end = syntax.text_ends
        # Most segments have neither subcomponents nor escapes, so that their fields are not asked for them.
        is_rare = syntax.rare.search(text) is not None
        for number, field in enumerate(fields):
            if not field:
                continue
            if is_rare and (repetition_end in field or sub_end in field or syntax.escape in field):
                found += _values_of(number, field, syntax)
            elif component_end in field:
                for component, part in enumerate(field.split(component_end), 1):
                    if part:
                        found.append((number, 1, component, 1, part))
            else:
                found.append((number, 1, 1, 1, field))
        return found

    def _values_one_by_one(self) -> list[Value]:
        found: list[Value] = []
        for number, repetition, component, sub, raw in self.leaves():
            place = (number, repetition, component, sub)
            try:
                found.append((*place, self.message.decode(raw)))
            except UnicodeDecodeError:
                raise Hl7SyntaxError(self.fault("hl7v2-undecodable", 102, *place)) from None
        return found

    def _large_leaves(self, number: int, field: Part) -> Iterator[Leaf]:
        delimiters = self.message.delimiters
        for repetition, whole in enumerate(cut(field, delimiters.repetition), 1):
            for component, part in enumerate(cut(whole, delimiters.component), 1):
                for sub, raw in enumerate(cut(part, delimiters.subcomponent), 1):
                    if raw:
                        yield number, repetition, component, sub, raw

    @property
    def is_header(self) -> bool:
        """Whether the first field is the field separator."""
        return self.name in _HEADER_NAMES

    def fault(  # noqa: PLR0917 — the parts of ERL-2, in their order
        self,
        issue_id: str,
        condition: int,
        field: int = 0,
        repetition: int = 0,
        component: int = 0,
        subcomponent: int = 0,
    ) -> Hl7Fault:
        """A fault at a place in this segment."""
        return Hl7Fault(
            issue_id,
            condition,
            self.name,
            self.sequence,
            field,
            repetition,
            component,
            subcomponent,
        )

    def _cut_fields(self) -> list[Part]:
        raw, separator = self.message.raw, self.message.delimiters.field
        fields: list[Part]
        if self.end - self.start < LARGE:
            fields = [*raw[self.start : self.end].split(separator)]
        else:
            fields = cut(memoryview(raw)[self.start : self.end], separator)
        if self.is_header:
            fields.insert(1, separator)
        return fields
