"""Results to report: a valid record, one with warnings, one with errors and one that slices reject."""

import io
from collections.abc import Callable

import pytest

from fhir_server.model.issues import Issue, Language
from fhir_server.validation.report_formats import REPORT_FORMATS
from fhir_server.validation.slice_table import SliceRow, SliceTable
from fhir_server.validation.sources import Result

TABLE = SliceTable(
    (SliceRow("Observation.category[0]", "lab", "coding.code", "laboratory", "exam"),)
)


def _error(issue_id: str, **parameters: object) -> Issue:
    return Issue(
        issue_id, "error", "structure", "Patient.name[0]", parameters, "http://example.org/p", 2, 7
    )


RESULTS = (
    Result("in/a.json", (), "in/a.json"),
    Result("in/b c.ndjson:1", (_error("element-empty"),), "in/b c.ndjson"),
    Result(
        "in/b c.ndjson:2",
        (Issue("primitive-blank", "warning", "invalid", "Patient.id"),
         _error("unknown-element", element="<script>\x00&", parent="Patient", known="")),
        "in/b c.ndjson",
    ),
    Result(
        "in/s.json",
        (_error("slice-min", element="category:lab", min=1, found=0, table=TABLE),),
        "in/s.json",
    ),
    Result("in/w.json", (Issue("primitive-blank", "warning", "invalid", "Patient.id"),), "in/w.json"),
)  # fmt: skip

Write = Callable[..., bytes]


@pytest.fixture
def write() -> Write:
    def written(
        name: str, language: Language = "en", results: tuple[Result, ...] = RESULTS
    ) -> bytes:
        out = io.BytesIO()
        REPORT_FORMATS[name](iter(results), out, language)
        return out.getvalue()

    return written
