"""Code systems that are a rule or a table rather than a CodeSystem resource.

Each gives True or False for a code, or None where it cannot tell.

Source: FHIR R4 §4.3.0 code systems, https://hl7.org/fhir/R4/terminologies-systems.html; BCP 47 (RFC 5646);
BCP 13 (RFC 6838); ISO 4217 and ISO 3166 from the tables of CLDR that Babel carries; UCUM §2.
"""

import re
from collections.abc import Callable, Mapping
from functools import cache

from babel import Locale
from babel.numbers import list_currencies

from fhir_server.model.ucum import MAX_LENGTH, parse_unit

Grammar = Callable[[str], bool | None]

# RFC 5646 §2.1, without grandfathered tags, which are listed below it.
_LANGUAGE_TAG = re.compile(
    r"""
    (?P<language>[A-Za-z]{2,3}(-[A-Za-z]{3}){0,3}|[A-Za-z]{4}|[A-Za-z]{5,8})
    (-(?P<script>[A-Za-z]{4}))?
    (-(?P<region>[A-Za-z]{2}|[0-9]{3}))?
    (-([A-Za-z0-9]{5,8}|[0-9][A-Za-z0-9]{3}))*
    (-[0-9A-WY-Za-wy-z](-[A-Za-z0-9]{2,8})+)*
    (-x(-[A-Za-z0-9]{1,8})+)?
    |x(-[A-Za-z0-9]{1,8})+
    |i-(ami|bnn|default|enochian|hak|klingon|lux|mingo|navajo|pwn|tao|tay|tsu)
    """,
    re.VERBOSE,
)
# RFC 6838 §4.2; parameters as RFC 2045, and with the spaces that DICOM's own media types carry.
_MIME_NAME = r"[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}"
_MIME = re.compile(
    rf"{_MIME_NAME}/{_MIME_NAME}"
    r'([ \t]*;[ \t]*[A-Za-z0-9!#$%&\'*+.^_`|~-]+=([A-Za-z0-9!#$%&\'*+.^_`|~/: -]+|"[^"\\]*"))*'
)
# UCUM §6: words in curly brackets change no unit. HL7's own value sets write spaces in them.
_LONE_WORDS = re.compile(r"(?:^|(?<=[./(]))\{[ -z|~]*\}(?=[./)]|$)")
_WORDS = re.compile(r"(?<=[^./(])\{[ -z|~]*\}(?=[./)]|$)")


def is_language(code: str) -> bool | None:
    """Whether a code is a well-formed language tag whose language and region are known. Of the languages of
    three letters and of the scripts CLDR has but some: one that it lacks cannot be told.
    """
    match = _LANGUAGE_TAG.fullmatch(code)
    if match is None:
        return False
    language, region = match["language"], match["region"]
    if language is not None and len(language) == 2 and language.lower() not in _languages():
        return False
    if region is not None and region.isalpha() and region.upper() not in _territories():
        return False
    script = match["script"]
    is_known = language is None or language.partition("-")[0].lower() in _languages()
    return True if is_known and (script is None or script.title() in _scripts()) else None


def is_mime_type(code: str) -> bool:
    """Whether a code is a well-formed media type; a bare top-level name is not."""
    return _MIME.fullmatch(code) is not None


def is_currency(code: str) -> bool:
    """Whether a code is a currency of ISO 4217, present or past."""
    return code in _currencies()


def is_country(code: str) -> bool | None:
    """Whether a code is a country of ISO 3166-1 by its two letters; of the other spellings only the
    form can be told.
    """
    if re.fullmatch(r"[A-Z]{2}", code):
        return code in _territories()
    return None if re.fullmatch(r"[A-Z]{3}|[0-9]{3}", code) else False


def is_subdivision(code: str) -> bool | None:
    """Whether a code has the form of ISO 3166-2."""
    return None if re.fullmatch(r"[A-Z]{2}-[A-Z0-9]{1,3}", code) else False


def is_unit(code: str) -> bool | None:
    """Whether a code is a unit of UCUM; one too long to be read cannot be told."""
    if len(code) > MAX_LENGTH:
        return None
    return parse_unit(_WORDS.sub("", _LONE_WORDS.sub("1", code))) is not None


@cache
def _languages() -> frozenset[str]:
    return frozenset(str(tag).split("_", 1)[0] for tag in Locale("en").languages)


@cache
def _scripts() -> frozenset[str]:
    return frozenset(map(str, Locale("en").scripts))


@cache
def _territories() -> frozenset[str]:
    pseudo = {
        "EU",
        "EZ",
        "UN",
        "QO",
        "XA",
        "XB",
        "XK",
        "ZZ",
        "AC",
        "CP",
        "CQ",
        "DG",
        "EA",
        "IC",
        "TA",
    }
    return frozenset(
        code for code in map(str, Locale("en").territories) if len(code) == 2 and code not in pseudo
    )


@cache
def _currencies() -> frozenset[str]:
    return frozenset(list_currencies())


GRAMMARS: Mapping[str, Grammar] = {
    "urn:ietf:bcp:47": is_language,
    "urn:ietf:bcp:13": is_mime_type,
    "urn:iso:std:iso:4217": is_currency,
    "urn:iso:std:iso:3166": is_country,
    "urn:iso:std:iso:3166:-2": is_subdivision,
    "http://unitsofmeasure.org": is_unit,
}
"""The rule of each code system that needs no resource."""
