"""CSV with the place of every line, so that a fault in a table is told by file, line and expectation.

Shape: UTF-8, with or without a byte order mark; columns by their names, in any order.
"""

import csv
import io
from collections.abc import Iterator, Sequence
from pathlib import Path

from fhir_server.model.issues import because
from ingest.mapping.yaml_source import MapError


def read_lines(
    path: Path, file: str, columns: Sequence[str]
) -> Iterator[tuple[int, dict[str, str]]]:
    """Each line with its number; a column that the file lacks, or the line has no value for, is empty.

    Errors: MapError where a column is missing, a line has more values than there are columns, a quotation
    mark is not closed, or the file is no UTF-8 text.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as fault:
        line = 1 + fault.object[: fault.start].count(b"\n")
        raise MapError(file, line, because("because-utf-8")) from None
    # Strict: a quotation mark that is never closed would take all lines after it for one value.
    reader = csv.DictReader(io.StringIO(text, newline=""), restval="", strict=True)
    try:
        missing = [name for name in columns if name not in (reader.fieldnames or ())]
        if missing:
            raise MapError(file, 1, because("because-columns", columns=", ".join(missing)))
        for row in reader:
            if None in row:
                raise MapError(file, reader.line_num, because("because-fewer-values"))
            yield reader.line_num, row
    except csv.Error:
        raise MapError(file, reader.reader.line_num, because("because-csv")) from None
