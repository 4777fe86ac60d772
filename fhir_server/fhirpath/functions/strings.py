"""Strings.

Source: FHIRPath N1 §5.6 http://hl7.org/fhirpath/N1/#string-manipulation;
FHIRPath 2.0 trial-use additions (encode, escape, trim, split, join, matchesFull)
http://hl7.org/fhirpath/#additional-string-functions
"""

import base64
import binascii
import html
import json
from typing import Any

from fhir_server.fhirpath import regex
from fhir_server.fhirpath.errors import execution_error
from fhir_server.fhirpath.functions.registry import on_collection, on_item
from fhir_server.fhirpath.values import Items, system, type_name


@on_item(
    "indexOf",
    "indexofsubstring-string-integer",
    takes="text",
    returns="Integer",
    arguments=("text",),
)
def index_of(text: str, part: str) -> int:
    """Where a part begins, -1 where it is not there."""
    return text.find(part)


@on_item("lastIndexOf", "http://hl7.org/fhirpath/#lastindexofsubstring--string--integer", takes="text",
         returns="Integer", arguments=("text",))  # fmt: skip
def last_index_of(text: str, part: str) -> int:
    """Where a part begins last, -1 where it is not there."""
    return text.rfind(part)


@on_item("substring", "substringstart-integer-length-integer-string", takes="text", returns="String",
         arguments=("integer", "integer"), optional=1)  # fmt: skip
def substring(text: str, start: int, length: int | None = None) -> str | None:
    """A part of the text; empty where it begins outside."""
    if not 0 <= start < len(text):
        return None
    return text[start:] if length is None else text[start : start + max(length, 0)]


@on_item(
    "startsWith",
    "startswithprefix-string-boolean",
    takes="text",
    returns="Boolean",
    arguments=("text",),
)
def starts_with(text: str, prefix: str) -> bool:
    """Whether the text begins so."""
    return text.startswith(prefix)


@on_item(
    "endsWith",
    "endswithsuffix-string-boolean",
    takes="text",
    returns="Boolean",
    arguments=("text",),
)
def ends_with(text: str, suffix: str) -> bool:
    """Whether the text ends so."""
    return text.endswith(suffix)


@on_item(
    "contains",
    "containssubstring-string-boolean",
    takes="text",
    returns="Boolean",
    arguments=("text",),
)
def contains(text: str, part: str) -> bool:
    """Whether the text holds a part."""
    return part in text


@on_item("upper", "upper-string", takes="text", returns="String")
def upper(text: str) -> str:
    """In capitals."""
    return text.upper()


@on_item("lower", "lower-string", takes="text", returns="String")
def lower(text: str) -> str:
    """In small letters."""
    return text.lower()


@on_item("replace", "replacepattern-string-substitution-string-string", takes="text", returns="String",
         arguments=("text", "text"))  # fmt: skip
def replace(text: str, pattern: str, substitution: str) -> str:
    """Every occurrence replaced; an empty pattern stands around every character."""
    return bounded(text.replace(pattern, substitution) if _fits(text, substitution) else None)


@on_item(
    "matches", "matchesregex-string-boolean", takes="text", returns="Boolean", arguments=("text",)
)
def matches(text: str, pattern: str) -> bool:
    """Whether the pattern fits somewhere in the text."""
    return regex.search(pattern, text)


@on_item("matchesFull", "http://hl7.org/fhirpath/#matchesfullregex--string--boolean", takes="text",
         returns="Boolean", arguments=("text",))  # fmt: skip
def matches_full(text: str, pattern: str) -> bool:
    """Whether the pattern fits the whole text."""
    return regex.fullmatch(pattern, text)


@on_item("replaceMatches", "replacematchesregex-string-substitution-string-string", takes="text",
         returns="String", arguments=("text", "text"))  # fmt: skip
def replace_matches(text: str, pattern: str, substitution: str) -> str:
    """Every match replaced; an empty pattern leaves the text."""
    return text if not pattern else bounded(regex.replace(pattern, substitution, text, MAX_TEXT))


@on_item("length", "length-integer", takes="text", returns="Integer")
def length(text: str) -> int:
    """How many characters."""
    return len(text)


@on_item("toChars", "tochars-collection", takes="text", returns="String")
def to_chars(text: str) -> list[str]:
    """The characters one by one."""
    return list(text)


@on_item("trim", "http://hl7.org/fhirpath/#trim--string", takes="text", returns="String")
def trim(text: str) -> str:
    """Without white space at either end."""
    return text.strip()


@on_item("split", "http://hl7.org/fhirpath/#splitseparator-string--collection", takes="text",
         returns="String", arguments=("text",))  # fmt: skip
def split(text: str, separator: str) -> list[str]:
    """The parts between separators; an empty separator gives the characters."""
    return text.split(separator) if separator else list(text)


@on_collection("join", "http://hl7.org/fhirpath/#joinseparator-string--string", returns="String",
               arguments=("text",), optional=1)  # fmt: skip
def join(items: Items, separator: str = "") -> Items:
    """The texts in one, with a separator between them."""
    values = [value for value in map(system, items) if value is not None]
    for value in values:
        if type(value) is not str:
            raise execution_error(
                "fhirpath-wrong-type", operation="join()", wanted="String", found=type_name(value)
            )
    if len(values) > 1 and sum(map(len, values)) + len(separator) * len(values) > MAX_TEXT:
        raise regex.too_long("join()", MAX_TEXT)
    return [separator.join(values)] if values else []


_ENCODED = "http://hl7.org/fhirpath/#encodeformat--string--string"


@on_item("encode", _ENCODED, takes="text", returns="String", arguments=("text",))
def encode(text: str, form: str) -> str | None:
    """As hex, base64 or urlbase64."""
    content = text.encode()
    if form == "hex":
        return content.hex()
    if form == "base64":
        return base64.b64encode(content).decode()
    return base64.urlsafe_b64encode(content).decode() if form == "urlbase64" else None


@on_item("decode", _ENCODED, takes="text", returns="String", arguments=("text",))
def decode(text: str, form: str) -> str | None:
    """Back from hex, base64 or urlbase64; empty where the text is none or no UTF-8."""
    try:
        if form == "hex":
            return bytes.fromhex(text).decode()
        if form == "base64":
            return base64.b64decode(text, validate=True).decode()
        return base64.urlsafe_b64decode(text).decode() if form == "urlbase64" else None
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return None


_ESCAPED = "http://hl7.org/fhirpath/#escapetarget--string--string"


@on_item("escape", _ESCAPED, takes="text", returns="String", arguments=("text",))
def escape(text: str, target: str) -> str | None:
    """Made safe for html or json."""
    if target == "html":
        return html.escape(text).replace("&#x27;", "&#39;")
    return json.dumps(text, ensure_ascii=False)[1:-1] if target == "json" else None


@on_item("unescape", _ESCAPED, takes="text", returns="String", arguments=("text",))
def unescape(text: str, target: str) -> str | None:
    """Back from html or json; empty where the text is no such."""
    if target == "html":
        return html.unescape(text)
    if target != "json":
        return None
    try:
        value: Any = json.loads(f'"{text}"', strict=False)
    except ValueError:
        return text
    return value if type(value) is str else None


MAX_TEXT = 1_000_000
"""Longest text that a replacement or `join` may make, in characters."""


def _fits(text: str, substitution: str) -> bool:
    return (len(text) + 1) * max(len(substitution), 1) <= MAX_TEXT * 10


def bounded(text: str | None) -> str:
    """The text, unless it has outgrown what is sane."""
    if text is None or len(text) > MAX_TEXT:
        raise regex.too_long("replace()", MAX_TEXT)
    return text
