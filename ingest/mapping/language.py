"""The language of the maps: YAML sections to checked lines, before anything is compiled.

A map of a segment or data type is a list of lines. Each line says what becomes of one field:

    {from: PID-7, to: birthDate, as: date, row: PID-7}              copied and converted
    {to: active, as: boolean, value: "true", departs: …}            set, whatever the message says
    {from: CX.4, to: system, using: authority_system, row: CX.4}     computed by a named function
    {from: OBX-2, steers: value[x], row: OBX-2}                      decides, is not copied itself
    {from: PID-1, keep: numbers segments of one message}             stays in the raw message only
    {from: PID-17, reject: …}                                        must not be stored as FHIR at all

`row` names the row of HL7's table that the line follows, `departs` the reason why it does not.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from ingest.mapping.conditions import Condition, ConditionError, parse_condition
from ingest.mapping.places import ComponentPlace, FieldPlace, Place, parse_place
from ingest.mapping.yaml_source import Section

LineKind = Literal["copy", "set", "steers", "keep", "reject"]
_ALTERNATIVES = re.compile(r" or | \+ ")
LINE_KEYS = (
    "from", "to", "as", "code", "unmapped", "when", "value", "using", "join", "row", "departs",
    "steers", "keep", "reject",
)  # fmt: skip
MAP_KEYS = ("source", "when", "lines", "let", "uses", "needs", "note", "into", "remember")


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a map. `sources` joined by `or` are alternatives, the first that holds a value is
    taken; joined by `+` they are what a function reads together.
    """

    section: Section
    kind: LineKind
    sources: tuple[Place, ...] = ()
    target: str = ""
    type: str = "string"
    code_map: str = ""
    unmapped: str = ""
    when: Condition | None = None
    value: str = ""
    function: str = ""
    join: str | None = None
    reason: str = ""
    row: str = ""
    departs: str = ""


@dataclass(frozen=True, slots=True)
class Name:
    """A name of a `let:` section: the code that a code map or a function gives for a field."""

    section: Section
    place: FieldPlace
    code_map: str
    function: str


@dataclass(frozen=True, slots=True)
class LineMap:
    """The lines of one segment or data type that fill one kind of target.

    Shape: `name` such as `PID.Patient` or `CX.Identifier`; `names` of the `let:` section, each a code
    map or a function applied to a field (a data type `uses` those of
    the segment that calls it); `needs` elements without which the value is worthless and left out; `when`
    the condition for all lines of a segment map; `into` the list that gets one entry per segment; `remember`
    that the same bytes become the same value.
    """

    name: str
    section: Section
    of: str
    source: str
    lines: tuple[Line, ...]
    names: Mapping[str, Name] = field(default_factory=dict)
    needs: tuple[str, ...] = ()
    when: Condition | None = None
    into: str = ""
    remember: bool = False


def read_maps(section: Section, kind: Literal["segment", "datatype"]) -> list[LineMap]:
    """The maps of one file.

    Errors: MapError with file, line and what was expected.
    """
    section.only(kind, "maps", "note", "reject")
    of = section.text(kind)
    maps = section.section("maps")
    if not maps and "reject" not in section:
        raise section.fault("`maps:` with at least one map")
    return [_map(f"{of}.{name}", of, _inner(maps, name)) for name in maps]


def _inner(maps: Section, name: str) -> Section:
    value = maps[name]
    if not isinstance(value, Section):
        raise maps.fault("a map with `lines:`", name)
    return value


def _map(name: str, of: str, section: Section) -> LineMap:
    section.only(*MAP_KEYS)
    names = read_names(section.section("let"))
    needs, uses = section.get("needs", []), section.get("uses", [])
    known = (*names, *(uses if isinstance(uses, list) else [uses]))
    return LineMap(
        name=name,
        section=section,
        of=of,
        source=section.text("source", ""),
        lines=tuple(read_line(line, of, known) for line in section.sections("lines")),
        names=names,
        when=_condition(section, known),
        needs=tuple(needs) if isinstance(needs, list) else (needs,),
        into=section.text("into", ""),
        remember=section.text("remember", "") == "true",
    )


def read_names(section: Section) -> dict[str, Name]:
    """The names of a `let:` section."""
    names: dict[str, Name] = {}
    for name, value in section.items():
        if not isinstance(value, Section) or ("code" in value) == ("using" in value):
            raise section.fault(
                "{from: field, code: code map} or {from: field, using: function}", name
            )
        value.only("from", "code", "using")
        place = _place(value, value.text("from"))
        if not isinstance(place, FieldPlace):
            raise value.fault("a field such as OBX-3", "from")
        names[name] = Name(value, place, value.text("code", ""), value.text("using", ""))
    return names


def read_line(section: Section, of: str, names: Sequence[str] = ()) -> Line:
    """One line, checked."""
    section.only(*LINE_KEYS)
    sources = _sources(section, of)
    if not section.get("row") and not section.get("departs") and not _says_why(section):
        raise section.fault("`row:` (the row of HL7's table) or `departs:` (why there is none)")
    when = _condition(section, names)
    for kind in ("steers", "keep", "reject"):
        if kind in section:
            if not sources:
                raise section.fault("`from:` with the field concerned")
            return Line(
                section, kind, sources, when=when, reason=section.text(kind), row=section.text("row", "")
            )  # fmt: skip
    if not sources and "value" not in section and "using" not in section:
        raise section.fault("`from:`, `value:` or `using:`")
    return Line(
        section=section,
        kind="set" if "value" in section else "copy",
        sources=sources,
        target=section.text("to"),
        type=section.text("as", "string"),
        code_map=section.text("code", ""),
        unmapped=section.text("unmapped", ""),
        when=when,
        value=section.text("value", ""),
        function=section.text("using", ""),
        join=section.text("join") if "join" in section else None,
        row=section.text("row", ""),
        departs=section.text("departs", ""),
    )


def _says_why(section: Section) -> bool:
    return "keep" in section or "reject" in section


def _sources(section: Section, of: str) -> tuple[Place, ...]:
    if "from" not in section:
        return ()
    sources = tuple(_place(section, text) for text in _ALTERNATIVES.split(section.text("from")))
    own = sources[0]
    if isinstance(own, ComponentPlace) and own.datatype != of:
        raise section.fault(f"a component of {of}, found `{own}`", "from")
    return sources


def _place(section: Section, text: str) -> Place:
    place = parse_place(text.strip())
    if place is None:
        raise section.fault(f"a place such as PID-3 or CX.4.2, found `{text}`", "from")
    return place


def _condition(section: Section, names: Sequence[str]) -> Condition | None:
    if "when" not in section:
        return None
    try:
        return parse_condition(section.text("when"), names)
    except ConditionError as fault:
        raise section.fault(str(fault), "when") from None
