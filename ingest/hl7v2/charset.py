"""Character sets: which codec MSH-18 asks for, and whether the bytes keep the promise.

Source: HL7 v2.5.1 §2.16.18, table 0211.
"""

import re
from collections.abc import Mapping

CODECS: Mapping[str, str] = {
    "": "ascii",
    "ASCII": "ascii",
    "8859/1": "latin-1",
    "8859/2": "iso8859-2",
    "8859/3": "iso8859-3",
    "8859/4": "iso8859-4",
    "8859/5": "iso8859-5",
    "8859/6": "iso8859-6",
    "8859/7": "iso8859-7",
    "8859/8": "iso8859-8",
    "8859/9": "iso8859-9",
    "8859/15": "iso8859-15",
    "UNICODE UTF-8": "utf-8",
    # Not in table 0211, but unambiguous and seen in feeds:
    "UTF-8": "utf-8",
    "UTF8": "utf-8",
    "US-ASCII": "ascii",
    "ISO-8859-1": "latin-1",
    "ISO-8859-15": "iso8859-15",
    "8859-1": "latin-1",
    "8859-15": "iso8859-15",
}
"""Table 0211, as far as its sets are one byte per character or UTF-8, so that no delimiter collides."""

# The control characters C1 of ISO 8859: no text uses them, but UTF-8 and Windows-1252 text does.
_C1 = re.compile(rb"[\x80-\x9f]")


_FOREIGN = bytes([*range(0x09), *range(0x0E, 0x20)])
_FOREIGN_ANYWHERE = re.compile(b"[" + re.escape(_FOREIGN) + b"]")


def codec_for(charset: str) -> str | None:
    """The Python codec for a value of MSH-18; None for a set that is not supported."""
    return CODECS.get(charset.strip().upper())


def first_undecodable(raw: bytes, codec: str) -> int | None:
    """The offset of the first byte that the declared set cannot hold; None where all is well.

    ISO 8859 gives a character to nearly every byte, so strict decoding alone would let UTF-8 through
    as pairs of wrong letters: bytes that are well-formed UTF-8 beyond ASCII, or that are C1 controls,
    break an ISO 8859 declaration.
    """
    if raw.isascii():
        return None
    try:
        raw.decode(codec)
    except UnicodeDecodeError as error:
        return error.start
    if codec == "utf-8":
        return None
    control = _C1.search(raw)
    if control is not None:
        return control.start()
    return _first_non_ascii(raw) if _is_utf8(raw) else None


def first_control(raw: bytes) -> int | None:
    """The offset of the first control character that belongs to no text; None where there is none.

    Shape: tabulators, line ends, vertical tabulators and form feeds stand in texts; the others come from
    broken lines and from UTF-16, and no FHIR string holds them.
    """
    # Deleting is several times faster than searching, and nearly always there is nothing to find.
    if len(raw.translate(None, _FOREIGN)) == len(raw):
        return None
    found = _FOREIGN_ANYWHERE.search(raw)
    return found.start() if found else None


def _is_utf8(raw: bytes) -> bool:
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _first_non_ascii(raw: bytes) -> int:
    try:
        raw.decode("ascii")
    except UnicodeDecodeError as error:
        return error.start
    raise AssertionError("called for ASCII bytes")
