"""A centre's own codes: lines of `centres/<id>/codes.csv` among the maps."""

import os
from pathlib import Path

from ingest.mapping.codes import CENTRE_COLUMNS, Coding
from ingest.mapping.csv_source import COMMA, read_lines, separator_of, written_lines

FILE_NAME = "codes.csv"


def add_local_code(root: Path, centre: str, table: str, local_code: str, coding: Coding) -> Path:
    """Map a local code of a centre, in place of what it was mapped to in this file before.

    Shape: `table` the name of the code map. The file is replaced whole, so that no reader sees half of it.
    Errors: MapError where the file cannot be read.
    """
    path = root / "centres" / centre / FILE_NAME
    path.parent.mkdir(parents=True, exist_ok=True)
    rows: list[dict[str, str]] = []
    separator = COMMA
    if path.exists():
        file = path.relative_to(root).as_posix()
        separator = separator_of(path, file, CENTRE_COLUMNS)
        rows = [row for _, row in read_lines(path, file, CENTRE_COLUMNS)]
    same = (table, local_code)
    rows = [row for row in rows if (row["table"], row["local_code"]) != same]
    target = (coding.system, coding.code, coding.version, coding.display)
    rows.append(dict(zip(CENTRE_COLUMNS, (table, local_code, *target), strict=True)))
    replace_file(path, written_lines(CENTRE_COLUMNS, rows, separator))
    return path


def replace_file(path: Path, content: bytes) -> None:
    """Write a file so that whoever reads it sees all of the old text or all of the new."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_bytes(content)
    draft.replace(path)
