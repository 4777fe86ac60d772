"""CSV with the place of every line, so that a fault in a table is told by file, line and expectation.

Shape: UTF-8, with or without a byte order mark; columns by their names, in any order, separated by commas, or
by semicolons as spreadsheets write them where the comma is the decimal sign. The heading decides which.
"""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from fhir_server.model.issues import because
from ingest.mapping.yaml_source import MapError

COMMA, SEMICOLON = ",", ";"


def read_lines(
    path: Path, file: str, columns: Sequence[str]
) -> Iterator[tuple[int, dict[str, str]]]:
    """Each line with its number; a column that the file lacks, or the line has no value for, is empty.

    Shape: a line of separators alone, as spreadsheets write an empty one, is left out.
    Errors: MapError where a column is missing, a line has more values than there are columns, a quotation
    mark is not closed, or the file is no UTF-8 text.
    """
    text = _text(path, file)
    # Strict: a quotation mark that is never closed would take all lines after it for one value.
    reader = csv.DictReader(
        io.StringIO(text, newline=""),
        restval="",
        strict=True,
        delimiter=_separator(text, columns),
    )
    try:
        missing = [name for name in columns if name not in (reader.fieldnames or ())]
        if missing:
            raise MapError(file, 1, because("because-columns", columns=", ".join(missing)))
        for row in reader:
            if None in row:
                raise MapError(file, reader.line_num, because("because-fewer-values"))
            if any(row.values()):
                yield reader.line_num, row
    except csv.Error:
        raise MapError(file, reader.reader.line_num, because("because-csv")) from None


def written_lines(
    columns: Sequence[str], rows: Iterable[Mapping[str, str]], separator: str = COMMA
) -> bytes:
    """Lines under a heading, as `read_lines` reads them; what is in no column is left out."""
    text = io.StringIO()
    writer = csv.DictWriter(
        text, columns, lineterminator="\n", extrasaction="ignore", restval="", delimiter=separator
    )
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def separator_of(path: Path, file: str, columns: Sequence[str]) -> str:
    """What separates the columns of a file. Errors: MapError where it is no UTF-8 text."""
    return _separator(_text(path, file), columns)


def _text(path: Path, file: str) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as fault:
        line = 1 + fault.object[: fault.start].count(b"\n")
        raise MapError(file, line, because("because-utf-8")) from None


def _separator(text: str, columns: Sequence[str]) -> str:
    """The semicolon where the heading has every column by it, else the comma."""
    # The first line, whatever ends it: LF, CR LF, or CR alone.
    heading = next(io.StringIO(text, newline=""), "").rstrip("\r\n")
    names = {name.strip('"') for name in heading.split(SEMICOLON)}
    return SEMICOLON if names.issuperset(columns) else COMMA
