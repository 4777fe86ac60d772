"""Rows put aside on disk until the counts that stand before them are known."""

from collections.abc import Iterator
from tempfile import SpooledTemporaryFile
from typing import Any

from fhir_server.model.json_source import encode_json, parse_json

_IN_MEMORY_BYTES = 4 * 1024 * 1024


class Spool:
    """Rows of JSON values, written once and read once, in order. Cost: 4 MiB of memory at most."""

    def __init__(self) -> None:
        self._file = SpooledTemporaryFile(max_size=_IN_MEMORY_BYTES)  # noqa: SIM115 — closed by `rows`

    def add(self, row: Any) -> None:
        """Put a row aside."""
        self._file.write(encode_json(row) + b"\n")

    def rows(self) -> Iterator[Any]:
        """All rows; the file is gone afterwards."""
        with self._file as file:
            file.seek(0)
            for line in file:
                yield parse_json(line)
