"""What a centre's messages do against the standard: `centres/<id>/quirks.yaml`, read and checked."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from ingest.hl7v2.charset import codec_for
from ingest.hl7v2.mending import AS_SENT, Place, Quirks
from ingest.mapping.places import FieldPlace, parse_place
from ingest.mapping.yaml_source import Section, load_section

FILE_NAME = "quirks.yaml"
HeldFor = Literal["wrong-displays", "wrong-units"]
HELD_FOR: tuple[HeldFor, ...] = ("wrong-displays", "wrong-units")
"""What is forgiven in messages, unless the centre's file says otherwise."""

_DIGITS: Mapping[str, int] = {"YYYY": 4, "MM": 2, "DD": 2, "hh": 2, "mm": 2, "ss": 2}
_TOKEN = re.compile("|".join(_DIGITS))


def load_quirks(root: Path, centre: str) -> tuple[Quirks, frozenset[HeldFor]]:
    """The quirks of a centre, and for what its messages are held that others' are not; none without a file.

    Errors: MapError with file, line and what was expected.
    """
    path = root / "centres" / centre / FILE_NAME
    if not path.exists():
        return AS_SENT, frozenset()
    section = load_section(path, root)
    section.only(
        "note", "charset", "line-ends", "continued-lines", "header", "dates",
        "reversed-authorities", "missing-authorities", "unescaped", "repeated", "held-for",
    )  # fmt: skip
    quirks = Quirks(
        charset=_charset(section),
        lf_ends=_one_of(section, "line-ends", "", "LF") == "LF",
        continued_lines=_one_of(section, "continued-lines", "no", "join") == "join",
        header=_header(section.section("header")),
        dates=_dates(section.section("dates")),
        reversed_authorities=frozenset(
            _place(section, "reversed-authorities", text)
            for text in _list(section, "reversed-authorities")
        ),
        unescaped=_fields_in_all(section.section("unescaped")),
        repeated=frozenset(_segments(section)),
        authorities=_authorities(section.section("missing-authorities")),
    )
    return quirks, _held_for(section)


def _held_for(section: Section) -> frozenset[HeldFor]:
    found = _list(section, "held-for")
    known = [name for name in HELD_FOR if name in found]
    if set(found) - set(known):
        raise section.fault(
            f"some of {', '.join(HELD_FOR)}, found `{', '.join(found)}`", "held-for"
        )
    return frozenset(known)


def _charset(section: Section) -> str:
    charset = section.text("charset", "")
    if charset and codec_for(charset) is None:
        raise section.fault(f"a character set of table 0211, found `{charset}`", "charset")
    return charset


def _one_of(section: Section, key: str, *values: str) -> str:
    found = section.text(key, values[0])
    if found not in values:
        raise section.fault(f"one of {', '.join(filter(None, values))}, found `{found}`", key)
    return found


def _header(section: Section) -> dict[Place, bytes]:
    found = {}
    for key in section:
        place = _place(section, key, key)
        if place[0] != "MSH" or place[1] < 3:
            raise section.fault(f"a field of MSH from MSH-3 on, found `{key}`", key)
        found[place] = section.text(key).encode()
    return found


def _authorities(section: Section) -> dict[Place, bytes]:
    section.only("PID-3", "MRG-1")
    return {_place(section, key, key): section.text(key).encode() for key in section}


def _dates(section: Section) -> dict[Place, re.Pattern[bytes]]:
    return {_place(section, key, key): _date_form(section, key) for key in section}


def _date_form(section: Section, key: str) -> re.Pattern[bytes]:
    """`DD/MM/YYYY` or `YYYY-MM-DD hh:mm` as a pattern with named parts; the time of day may be absent."""
    text = section.text(key)
    names = _TOKEN.findall(text)
    if "YYYY" not in names or len(set(names)) != len(names):
        raise section.fault(f"a form such as DD/MM/YYYY hh:mm, found `{text}`", key)
    day, space, time = text.partition(" ")
    form = _pattern(day) + (f"(?:{re.escape(space)}{_pattern(time)})?" if space else "")
    return re.compile(form.encode())


def _pattern(text: str) -> str:
    parts, end = [], 0
    for match in _TOKEN.finditer(text):
        parts += [
            re.escape(text[end : match.start()]),
            f"(?P<{match[0]}>\\d{{{_DIGITS[match[0]]}}})",
        ]
        end = match.end()
    return "".join([*parts, re.escape(text[end:])])


def _fields_in_all(section: Section) -> int:
    section.only("OBX-5")
    if "OBX-5" not in section:
        return 0
    text = section.text("OBX-5")
    if not text.isdecimal() or int(text) < 5:
        raise section.fault("how many fields the sender's OBX has, such as 14", "OBX-5")
    return int(text)


def _segments(section: Section) -> list[str]:
    names = _list(section, "repeated")
    for name in names:
        if not re.fullmatch(r"[A-Z][A-Z0-9]{2}", name):
            raise section.fault(f"names of segments, found `{name}`", "repeated")
    return names


def _list(section: Section, key: str) -> list[str]:
    found = section.get(key, [])
    if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
        raise section.fault(f"`{key}:` with a list of places", key)
    return found


def _place(section: Section, key: str, text: str) -> Place:
    place = parse_place(text)
    if not isinstance(place, FieldPlace) or place.subcomponent:
        raise section.fault(f"a place such as PID-7 or PID-3.4, found `{text}`", key)
    return place.segment, place.field, place.component
