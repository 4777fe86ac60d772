"""Every `row` of a map line names a row that HL7's tables have."""

import csv
import re
from functools import cache
from pathlib import Path

import pytest

from ingest.mapping import default_library
from ingest.mapping.language import Line, LineMap

BASELINE = Path(__file__).parents[4] / "shared" / "mapping-baseline" / "v2-to-fhir"
pytestmark = pytest.mark.skipif(not BASELINE.is_dir(), reason="HL7's tables are not at hand")


@cache
def rows() -> frozenset[str]:
    """The identifiers of all rows (`PID-3`, `CX.4`) and of whole data types and segments."""
    found: set[str] = set()
    for folder in ("segments", "datatypes"):
        for path in (BASELINE / folder).glob("HL7 *.csv"):
            match = re.search(r"_ (\w+)\[", path.name)
            found.update({match[1]} if match else ())
            with path.open(encoding="utf-8") as lines:
                found.update(row[1].strip() for row in csv.reader(lines) if len(row) > 1)
    return frozenset(found)


LINES = [
    (line_map, line)
    for line_map in default_library().line_maps.values()
    for line in line_map.lines
    if line.row
]


@pytest.mark.parametrize(
    ("line_map", "line"), LINES, ids=[f"{m.name}:{line.section.line}" for m, line in LINES]
)
def test_line__follows_a_row_that_exists(line_map: LineMap, line: Line) -> None:
    assert line.row in rows(), f"{line.section.file}:{line.section.line}"
