"""A document of a message: its base64, hash and size, made piece by piece."""

from base64 import b64encode
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha1, sha256

_GROUP = 3
"""Base64 writes three bytes as four characters."""


@dataclass(frozen=True, slots=True)
class Embedded:
    """A document of the message.

    Shape: `data` as base64; `hash` the SHA-1 of its bytes as base64, as Attachment.hash has it; `digest`
    their SHA-256.
    """

    data: str
    hash: str
    size: int
    digest: str


def embedded(pieces: Iterable[bytes]) -> Embedded:
    """A document from its pieces. Cost: one pass; the bytes are never held as a whole, their base64 is."""
    attachment_hash, digest = sha1(usedforsecurity=False), sha256()
    encoded = bytearray()
    size, rest = 0, b""
    for piece in pieces:
        attachment_hash.update(piece)
        digest.update(piece)
        size += len(piece)
        joined = rest + piece if rest else piece
        whole = len(joined) - len(joined) % _GROUP
        encoded += b64encode(joined[:whole])
        rest = joined[whole:]
    encoded += b64encode(rest)
    return Embedded(
        encoded.decode("ascii"),
        b64encode(attachment_hash.digest()).decode("ascii"),
        size,
        digest.hexdigest(),
    )
