"""Keys and hashes: how resources and search values become 64-bit integers.

Signed, as PostgreSQL's bigint. Two resources share a key with a probability of n²/2⁶⁵: 3·10⁻⁶ for ten
million resources. The store notices and refuses the second one; see `docs/decisions`.
"""

from typing import LiteralString

import xxhash

KEY_SECTION_BITS = 60
"""The bits of a key behind those that tell its section, one of -8 to 7."""
KEY_SECTION: LiteralString = "key >> 60"
"""The section of a key in SQL; a literal, for an index holds it. The alias of its row goes before it."""

_SIGN = 1 << 63
_RANGE = 1 << 64


def hash64(text: str) -> int:
    """The 64-bit XXH3 hash of a text, signed."""
    value = xxhash.xxh3_64_intdigest(text.encode("utf-8", "surrogatepass"))
    return value - _RANGE if value >= _SIGN else value


CONTAINED = hash64("contained")
"""What the number of a search parameter is XORed with on contained resources; hence their tokens too."""


def resource_key(resource_type: str, resource_id: str) -> int:
    """The key of a resource."""
    return hash64(f"{resource_type}/{resource_id}")


def parameter_hash(resource_type: str, code: str) -> int:
    """The number of a search parameter of a resource type."""
    return hash64(f"{resource_type}?{code}")


def token_hash(parameter: int, value: str) -> int:
    """The token of a parameter and a value: one element of `resource.tokens`."""
    return parameter ^ hash64(value)


def reference_token(parameter: int, target_key: int) -> int:
    """The token of a reference: computed alike in Python and in SQL (`target_key # parameter`)."""
    return parameter ^ target_key
