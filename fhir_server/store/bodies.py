"""Bodies of resources as the store holds them: compressed, with a dictionary of what FHIR repeats.

PostgreSQL compresses a row only beyond two kilobytes, and most resources are smaller. What they hold is
mostly the same: names of elements, systems, codes. A Zstandard dictionary of those makes a body a fifth to
an eighth of its JSON, in some three microseconds (decision 27).
"""

import threading
from collections.abc import Sequence
from functools import cache
from importlib import resources

import zstandard

DICTIONARY = "bodies.zdict"
"""Never changed: stored bodies need it. A better one gets a name of its own beside it."""

_FRAME = b"\x28\xb5\x2f\xfd"
"""How a Zstandard frame begins, and JSON does not. Source: RFC 8878 §3.1.1"""

_own = threading.local()


def packed(body: bytes) -> bytes:
    """A body as it is stored. Cost: 3 µs a kilobyte."""
    # A compressor, like its opposite, serves one thread at a time.
    compressor: zstandard.ZstdCompressor | None = getattr(_own, "compressor", None)
    if compressor is None:
        compressor = _own.compressor = zstandard.ZstdCompressor(dict_data=_dictionary())
    return compressor.compress(body)


def unpacked(stored: bytes) -> bytes:
    """The body again. Rows written before bodies were compressed hold it as it is. Cost: 1 µs a kilobyte."""
    if not stored.startswith(_FRAME):
        return stored
    decompressor: zstandard.ZstdDecompressor | None = getattr(_own, "decompressor", None)
    if decompressor is None:
        decompressor = _own.decompressor = zstandard.ZstdDecompressor(dict_data=_dictionary())
    return decompressor.decompress(stored)


def train_dictionary(bodies: Sequence[bytes], size_bytes: int) -> bytes:
    """A dictionary of what bodies have in common; `benchmarks/body_dictionary.py` made ours."""
    return zstandard.train_dictionary(size_bytes, list(bodies)).as_bytes()


@cache
def _dictionary() -> zstandard.ZstdCompressionDict:
    content = resources.files(__package__).joinpath(DICTIONARY).read_bytes()
    return zstandard.ZstdCompressionDict(content)
