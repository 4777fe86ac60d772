"""Lines to read: each record with its issues, then the summary by rule and by file."""

from collections.abc import Iterable, Iterator
from typing import BinaryIO

from fhir_server.model.issues import Issue, Language
from fhir_server.validation.report_formats.wording import (
    SEVERITY_WORDS,
    WORDS,
    counted,
    slice_table,
    text_beside_table,
)
from fhir_server.validation.slice_table import SliceTable
from fhir_server.validation.sources import Result
from fhir_server.validation.summary import Summary

MAX_COLUMN = 60
"""Widest cell of a table in characters."""


def write_text(results: Iterable[Result], out: BinaryIO, language: Language) -> Summary:
    """Write lines; the summary follows where there is more than one record."""
    summary = Summary()
    for result in summary.counting(results):
        for line in _record(result, language):
            out.write(_encoded(line))
    if summary.records > 1:
        for line in _summary(summary, language):
            out.write(_encoded(line))
    out.flush()
    return summary


def _encoded(line: str) -> bytes:
    return line.encode(errors="replace") + b"\n"


def _record(result: Result, language: Language) -> Iterator[str]:
    counts = Summary()
    counts.add(result)
    head = WORDS[language]["valid"] if result.is_valid else ""
    said = counted(counts.severities, language)
    yield f"{result.file}: {', '.join(filter(None, (head, said)))}"
    for issue in result.issues:
        yield from _issue(issue, language)


def _issue(issue: Issue, language: Language) -> Iterator[str]:
    place = "" if issue.line is None else f"{issue.line}:{issue.column} "
    where = f"{issue.expression} " if issue.expression else ""
    severity = SEVERITY_WORDS[language][issue.severity]
    yield f"  {severity} {place}{where}[{issue.id}] {text_beside_table(issue, language)}"
    table = slice_table(issue)
    if table is not None:
        yield from ("      " + line for line in _drawn(_slice_rows(table, language)))
    hint = issue.hint(language)
    if hint and issue.severity in {"error", "fatal"}:
        yield f"      → {hint}"


def _slice_rows(table: SliceTable, language: Language) -> list[list[str]]:
    words = WORDS[language]
    head = [words[name] for name in ("place", "slice", "discriminator", "expected", "found")]
    rows = [[r.place, r.slice, r.discriminator, r.expected, r.found] for r in table.rows]
    return [head, *rows]


def _summary(summary: Summary, language: Language) -> Iterator[str]:
    words, severities = WORDS[language], SEVERITY_WORDS[language]
    colon, semicolon = words["colon"], words["semicolon"]
    yield ""
    yield (
        f"{words['summary']}{colon} {summary.records} {words['records']}, "
        f"{summary.invalid} {words['invalid']}{semicolon} "
        + (counted(summary.severities, language) or words["none"])
    )
    if summary.rules:
        yield f"{words['by_rule']}{colon}"
        rows = [[words["severity"], words["rule"], words["issues"], words["records"]]]
        for issue_id, rule in summary.rules_by_weight():
            severity = severities[rule.severity]
            rows.append([severity, issue_id, str(rule.issues), str(rule.records)])
        yield from ("  " + line for line in _drawn(rows))
    if len(summary.files) > 1:
        yield f"{words['by_file']}{colon}"
        rows = [[words[name] for name in ("records", "invalid", "issues", "file")]]
        for name, file in summary.files.items():
            issues = str(file.severities.total())
            rows.append([str(file.records), str(file.invalid), issues, name])
        yield from ("  " + line for line in _drawn(rows))


def _drawn(rows: list[list[str]]) -> Iterator[str]:
    """Rows of cells in columns; the last column keeps its length."""
    last = len(rows[0]) - 1
    widths = [min(max(len(row[at]) for row in rows), MAX_COLUMN) for at in range(last)]
    for row in rows:
        cells = [_cut(cell, width).ljust(width) for cell, width in zip(row, widths, strict=False)]
        yield "  ".join([*cells, row[last]]).rstrip()


def _cut(cell: str, width: int) -> str:
    return cell if len(cell) <= width else cell[: width - 1] + "…"
