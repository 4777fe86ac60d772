"""HL7 v2 texts to FHIR primitive values.

Source: FHIR R4 https://hl7.org/fhir/R4/datatypes.html; HL7 v2.5.1 chapter 2A.
"""

import base64
import re
from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from ingest.mapping.context import Context
from ingest.mapping.timestamps import (
    UnreadableError,
    fhir_date,
    fhir_date_time,
    fhir_instant,
    fhir_time,
)

ReadPrimitive = Callable[[str, Context], Any]

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
LONGEST_NUMBER = 40
"""Characters of a number; what is longer measures nothing, and stays the text that it is."""

_NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)")
_DIGITS = re.compile(r"\d+")


def plain_text(text: str) -> str:
    """The text without control characters and white space around it, as FHIR takes it; it may be empty."""
    return (text if text.isprintable() else _CONTROL.sub("", text)).strip()


def _string(text: str, _context: Context) -> str:
    # FHIR: a string has at least one character that is no white space, and no control characters.
    cleaned = plain_text(text)
    if not cleaned:
        raise UnreadableError("only-white-space")
    return cleaned


def _markdown(text: str, _context: Context) -> str:
    cleaned = _CONTROL.sub("", text)
    if not cleaned.strip():
        raise UnreadableError("only-white-space")
    return cleaned


def _code(text: str, _context: Context) -> str:
    # FHIR: a code has no leading, trailing or double white space.
    cleaned = " ".join(text.split())
    if not cleaned:
        raise UnreadableError("only-white-space")
    return cleaned


def _uri(text: str, _context: Context) -> str:
    cleaned = text.strip()
    if not cleaned or any(character.isspace() for character in cleaned):
        raise UnreadableError("not-a-uri")
    return cleaned


def is_number(text: str) -> bool:
    """Whether a text is a v2 NM."""
    return len(text) <= LONGEST_NUMBER and bool(_NUMBER.fullmatch(text.strip()))


def read_decimal(text: str, _context: Context) -> Decimal | int:
    """A v2 NM: an optional sign, digits, an optional decimal point; the digits stay as sent."""
    cleaned = text.strip()
    if not is_number(cleaned):
        raise UnreadableError("not-a-number")
    try:
        number = Decimal(cleaned.rstrip("."))
    except InvalidOperation:
        raise UnreadableError("not-a-number") from None
    return number if "." in cleaned.rstrip(".") else int(number)


def _integer(text: str, _context: Context) -> int:
    if len(text) > LONGEST_NUMBER or not _DIGITS.fullmatch(text.strip()):
        raise UnreadableError("not-a-whole-number")
    return int(text)


def _positive(text: str, context: Context) -> int:
    number = _integer(text, context)
    if number < 1:
        raise UnreadableError("not-above-zero")
    return number


def _boolean(text: str, _context: Context) -> bool:
    # Table 0136.
    found = {"Y": True, "N": False}.get(text.strip().upper())
    if found is None:
        raise UnreadableError("not-yes-or-no")
    return found


def _base64(text: str, _context: Context) -> str:
    cleaned = "".join(text.split())
    try:
        base64.b64decode(cleaned, validate=True)
    except ValueError:
        raise UnreadableError("not-base64") from None
    return cleaned


PRIMITIVES: Mapping[str, ReadPrimitive] = {
    "string": _string,
    "markdown": _markdown,
    "code": _code,
    "uri": _uri,
    "date": lambda text, _context: fhir_date(text.strip()),
    "dateTime": lambda text, context: fhir_date_time(text.strip(), context.centre.zone),
    "instant": lambda text, context: fhir_instant(text.strip(), context.centre.zone),
    "time": lambda text, _context: fhir_time(text.strip()),
    "decimal": read_decimal,
    "integer": _integer,
    "positiveInt": _positive,
    "boolean": _boolean,
    "base64Binary": _base64,
}
