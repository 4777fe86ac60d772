"""Reference strings: what kind a reference is, and which resource it names.

Source: FHIR R4 §2.3.0 (References), https://hl7.org/fhir/R4/references.html; §3.1.0.11.2 for
conditional references; §2.6.1 for the form of an id.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

Kind = Literal["relative", "absolute", "urn", "fragment", "conditional", "other"]

_ID = r"[A-Za-z0-9\-.]{1,64}"
_LITERAL = re.compile(
    rf"(?:(https?://[^\s?#]+?)/)?([A-Z][A-Za-z]+)/({_ID})(?:/_history/({_ID}))?(?:#(\S*))?"
)
_CONDITIONAL = re.compile(r"([A-Z][A-Za-z]+)\?(\S.*)", re.DOTALL)
_ABSOLUTE = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*:\S+")

# The same few references come again and again within a Bundle; long ones do not.
_SHORT = 128

VALID_ID = re.compile(_ID)
"""The form of a logical id."""


@dataclass(frozen=True, slots=True)
class ParsedReference:
    """A reference string taken apart.

    Shape: `type`, `id` and `version` where the string names a resource (`Patient/1/_history/2`);
    `base` what stands before them in an absolute URL; `query` the criteria of a conditional one;
    `fragment` what follows `#`. Kind `other` is a string that is no reference of R4.
    """

    kind: Kind
    text: str
    base: str = ""
    type: str = ""
    id: str = ""
    version: str | None = None
    fragment: str | None = None
    query: str = ""

    def is_local(self, bases: Collection[str]) -> bool:
        """Whether it names a resource of the server that answers at one of the base URLs."""
        return self.kind == "relative" or (self.kind == "absolute" and self.base in bases)


def parse_reference(text: str) -> ParsedReference:
    """Take a reference string apart. Never fails: what is no reference is of kind `other`."""
    return _parse_short(text) if len(text) <= _SHORT else _parse(text)


@lru_cache(maxsize=1024)
def _parse_short(text: str) -> ParsedReference:
    return _parse(text)


def _parse(text: str) -> ParsedReference:
    literal = _LITERAL.fullmatch(text)
    if literal is not None:
        base, resource_type, resource_id, version, fragment = literal.groups()
        kind: Kind = "relative" if base is None else "absolute"
        return ParsedReference(
            kind, text, base or "", resource_type, resource_id, version, fragment
        )
    if text.startswith("#"):
        return ParsedReference("fragment", text, fragment=text[1:])
    if text.startswith(("urn:uuid:", "urn:oid:")):
        return ParsedReference("urn", text)
    conditional = _CONDITIONAL.fullmatch(text)
    if conditional is not None:
        return ParsedReference("conditional", text, type=conditional[1], query=conditional[2])
    if _ABSOLUTE.fullmatch(text):
        return ParsedReference("absolute", text)
    return ParsedReference("other", text)
