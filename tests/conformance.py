"""Public conformance data, read from beside the project; tests that need it are skipped without it."""

import gzip
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import msgspec
import pytest

FOLDER = Path(__file__).resolve().parents[2] / "shared" / "conformance"

needs_conformance_data = pytest.mark.skipif(
    not FOLDER.is_dir(), reason="the public conformance data is not beside the project"
)


class R4Example(msgspec.Struct, frozen=True):
    """One official example: the name of its file and its own text."""

    file: str
    json: str


@cache
def r4_examples() -> tuple[R4Example, ...]:
    """The official example instances of FHIR R4; none where the data is missing."""
    return tuple(_read_examples()) if FOLDER.is_dir() else ()


def _read_examples() -> Iterator[R4Example]:
    decode = msgspec.json.Decoder(R4Example).decode
    with gzip.open(FOLDER / "r4-examples" / "instances.ndjson.gz") as lines:
        yield from map(decode, lines)
