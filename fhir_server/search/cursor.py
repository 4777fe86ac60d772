"""Cursors: where a page starts. Opaque to clients, checked when they come back.

A cursor holds the sort values and the tie-breaker of the last match sent, and a hash of the search it
belongs to. It carries no secret: changed, it does not pass its checksum.
"""

import base64
import binascii
from dataclasses import dataclass

import msgspec
import xxhash

from fhir_server.model.issues import Refused, refuse

CursorValue = int | str | None

OF_CONTAINED = 2
"""The phase of contained resources by themselves, behind those of stored ones."""
BY_KEY = 3
"""The phase of a search that is read in the order of keys: its only one."""

_CHECKSUM_SIZE = 8


@dataclass(frozen=True, slots=True)
class Cursor:
    """Shape: `phase` 0 while matches have the first sort key, 1 for those without, or one of the above;
    `values` the place.
    """

    phase: int
    values: tuple[CursorValue, ...]


class _Content(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    search: int
    phase: int
    values: list[int | str | None]


_decoder = msgspec.json.Decoder(_Content)


def encode_cursor(cursor: Cursor, search: int) -> str:
    """The text of a cursor. `search` is the hash of the search it belongs to."""
    content = msgspec.json.encode(_Content(search, cursor.phase, list(cursor.values)))
    sealed = xxhash.xxh3_64_digest(content) + content
    return base64.urlsafe_b64encode(sealed).rstrip(b"=").decode()


def decode_cursor(text: str, search: int) -> Cursor:
    """The cursor of a text. Errors: Refused(400) where it was changed or is of another search."""
    try:
        sealed = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise refused_cursor() from None
    content = sealed[_CHECKSUM_SIZE:]
    if xxhash.xxh3_64_digest(content) != sealed[:_CHECKSUM_SIZE]:
        raise refused_cursor()
    try:
        read = _decoder.decode(content)
    except msgspec.DecodeError:
        raise refused_cursor() from None
    if read.search != search:
        raise refused_cursor()
    return Cursor(read.phase, tuple(read.values))


def refused_cursor() -> Refused:
    """The refusal of a cursor that was not given out for this search."""
    return refuse(400, "search-cursor-invalid", "value")
