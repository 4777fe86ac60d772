"""The primitive types of R4: how each stands in JSON and what it may hold.

Source: FHIR R4 §2.24.0.1, https://hl7.org/fhir/R4/datatypes.html#primitive
"""

import re
from calendar import monthrange
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from fhir_server.model.issues import Reason, because

MAX_STRING_BYTES = 1024 * 1024
"""§2.24.0.1: strings SHALL NOT exceed 1 MB."""

_YEAR = r"(?:[0-9](?:[0-9](?:[0-9][1-9]|[1-9]0)|[1-9]00)|[1-9]000)"
_MONTH = r"-(?:0[1-9]|1[0-2])"
_DAY = r"-(?:0[1-9]|[12][0-9]|3[01])"
_TIME = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]:(?:[0-5][0-9]|60)(?:\.[0-9]+)?"
_ZONE = r"(?:Z|[+-](?:(?:0[0-9]|1[0-3]):[0-5][0-9]|14:00))"

_DATE = re.compile(rf"{_YEAR}(?:{_MONTH}(?:{_DAY})?)?")
_DATE_TIME = re.compile(rf"{_YEAR}(?:{_MONTH}(?:{_DAY}(?:T{_TIME}{_ZONE})?)?)?")
_INSTANT = re.compile(rf"{_YEAR}{_MONTH}{_DAY}T{_TIME}{_ZONE}")
_CLOCK_TIME = re.compile(_TIME)
_CODE = re.compile(r"\S+(?: \S+)*")
_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}")
_OID = re.compile(r"urn:oid:[0-2](?:\.(?:0|[1-9][0-9]*))+")
_UUID = re.compile(r"urn:uuid:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_URI = re.compile(r"\S+")
# Control characters other than tab, line feed and carriage return are no part of a string.
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
_BASE64_CHARACTERS = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_WHITE_SPACE = b" \t\r\n"


def is_date(value: str) -> bool:
    """A year, month or day that the calendar has."""
    return _DATE.fullmatch(value) is not None and _is_calendar_day(value)


def is_date_time(value: str) -> bool:
    """A year, month, day, or a moment with seconds and zone."""
    return _DATE_TIME.fullmatch(value) is not None and _is_calendar_day(value)


def is_instant(value: str) -> bool:
    """A moment known at least to the second, with its zone."""
    return _INSTANT.fullmatch(value) is not None and _is_calendar_day(value)


def _is_calendar_day(value: str) -> bool:
    if len(value) < 10 or value[8:10] <= "28":
        return True
    return int(value[8:10]) <= monthrange(int(value[:4]), int(value[5:7]))[1]


def is_string(value: str) -> bool:
    """Text that is not empty, not too long and free of control characters."""
    return (
        value != ""
        and (value.isprintable() or _CONTROL.search(value) is None)
        and (len(value) * 4 <= MAX_STRING_BYTES or len(value.encode()) <= MAX_STRING_BYTES)
    )


def is_base64(value: str) -> bool:
    """Base64 text, white space allowed.

    Cost: 2 ms a megabyte; a pattern would remember each group that it has passed, at thirty times the size.
    """
    if value == "" or not value.isascii():
        return False
    groups = value.encode().translate(None, _WHITE_SPACE)
    data = groups.rstrip(b"=")
    return (
        len(groups) % 4 == 0
        and len(groups) - len(data) <= 2
        and not data.translate(None, _BASE64_CHARACTERS)
    )


def _is_integer(value: int) -> bool:
    return -2147483648 <= value <= 2147483647


def _is_unsigned(value: int) -> bool:
    return 0 <= value <= 2147483647


def _is_positive(value: int) -> bool:
    return 1 <= value <= 2147483647


def _always(_: Any) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Primitive:
    """One primitive type: `python_types` are those its JSON is read to; `holds` tells whether such a value
    is allowed; `form` says it in words for a client; `pattern` says all of it where one can.
    """

    name: str
    python_types: tuple[type, ...]
    holds: Callable[[Any], bool]
    form: str | Reason
    pattern: re.Pattern[str] | None = None

    @property
    def json_type(self) -> str:
        """The kind of JSON value: string, number or boolean."""
        if str in self.python_types:
            return "string"
        return "boolean" if bool in self.python_types else "number"

    def accepts(self, value: Any) -> bool:
        """Whether a JSON value is one of this type."""
        return type(value) in self.python_types and self.holds(value)


def _text(name: str, holds: Callable[[Any], bool], form: str | Reason) -> Primitive:
    return Primitive(name, (str,), holds, form)


def _patterned(name: str, pattern: re.Pattern[str], form: str | Reason) -> Primitive:
    return Primitive(
        name, (str,), lambda value: pattern.fullmatch(value) is not None, form, pattern
    )


PRIMITIVES: Mapping[str, Primitive] = {
    primitive.name: primitive
    for primitive in (
        Primitive("boolean", (bool,), _always, "true | false"),
        Primitive("integer", (int,), _is_integer, "-2147483648…2147483647"),
        Primitive("unsignedInt", (int,), _is_unsigned, "0…2147483647"),
        Primitive("positiveInt", (int,), _is_positive, "1…2147483647"),
        Primitive("decimal", (int, Decimal), _always, "0.00"),
        _text("string", is_string, because("because-text")),
        _text("markdown", is_string, because("because-text")),
        _text("xhtml", is_string, '<div xmlns="http://www.w3.org/1999/xhtml">…</div>'),
        _patterned("code", _CODE, because("because-code")),
        _patterned("id", _ID, "A-Z a-z 0-9 - . (1…64)"),
        _patterned("uri", _URI, because("because-uri")),
        _patterned("url", _URI, because("because-uri")),
        _patterned("canonical", _URI, because("because-uri")),
        _patterned("oid", _OID, "urn:oid:1.2.3"),
        _patterned("uuid", _UUID, "urn:uuid:xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx"),
        _text("date", is_date, "YYYY, YYYY-MM, YYYY-MM-DD"),
        _text("dateTime", is_date_time, "YYYY, YYYY-MM, YYYY-MM-DD, YYYY-MM-DDThh:mm:ss+zz:zz"),
        _text("instant", is_instant, "YYYY-MM-DDThh:mm:ss.sss+zz:zz"),
        _patterned("time", _CLOCK_TIME, "hh:mm:ss"),
        _text("base64Binary", is_base64, "A-Z a-z 0-9 + / ="),
    )
}
"""Every primitive type of R4 by name."""


def is_blank(value: str) -> bool:
    """Whether a text has nothing to see."""
    return not value or value.isspace()
