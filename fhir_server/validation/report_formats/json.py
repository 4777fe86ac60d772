"""JSON: one list, an object for each record."""

from collections.abc import Iterable
from typing import Any, BinaryIO

from fhir_server.model.issues import Issue, Language
from fhir_server.model.json_source import encode_json
from fhir_server.validation.report_formats.wording import slice_table
from fhir_server.validation.sources import Result
from fhir_server.validation.summary import Summary


def write_json(results: Iterable[Result], out: BinaryIO, language: Language) -> Summary:
    """Write the list, item by item."""
    summary = Summary()
    separator = b"["
    for result in summary.counting(results):
        issues = [issue_row(issue, language) for issue in result.issues]
        row = {"file": result.file, "valid": result.is_valid, "issues": issues}
        out.write(separator + b"\n" + encode_json(row))
        separator = b","
    out.write(b"[]\n" if separator == b"[" else b"\n]\n")
    out.flush()
    return summary


def issue_row(issue: Issue, language: Language) -> dict[str, Any]:
    """An issue as JSON. Shape: `slices` stands where the issue carries the table of a slicing."""
    row: dict[str, Any] = {
        "id": issue.id,
        "severity": issue.severity,
        "code": issue.code,
        "expression": issue.expression,
        "line": issue.line,
        "column": issue.column,
        "profile": issue.profile,
        "text": issue.text(language),
        "hint": issue.hint(language),
    }
    table = slice_table(issue)
    if table is not None:
        row["slices"] = list(table.rows)
    return row
