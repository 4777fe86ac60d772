"""HTML: one page that needs nothing beside itself, readable with any browser and screen reader."""

from collections.abc import Iterable, Iterator
from functools import cache
from typing import TYPE_CHECKING, Any, BinaryIO

from fhir_server.model.issues import Issue, Language
from fhir_server.validation.report_formats.json import issue_row
from fhir_server.validation.report_formats.spool import Spool
from fhir_server.validation.report_formats.wording import (
    SEVERITY_WORDS,
    WORDS,
    counted,
    text_beside_table,
)
from fhir_server.validation.sources import Result
from fhir_server.validation.summary import Summary

if TYPE_CHECKING:
    from jinja2 import Template

MAX_RECORDS = 2_000
"""How many records with issues a page spells out: browsers grow slow beyond."""


def write_html(results: Iterable[Result], out: BinaryIO, language: Language) -> Summary:
    """Write the page: the summary, then the records that have issues."""
    summary, spool = Summary(), Spool()
    spelled = with_issues = 0
    for result in summary.counting(results):
        with_issues += bool(result.issues)
        if result.issues and spelled < MAX_RECORDS:
            spool.add(_row(result, language))
            spelled += 1
    page = _template().generate(
        language=language, words=WORDS[language], severities=SEVERITY_WORDS[language],
        summary=summary, totals=counted(summary.severities, language), records=_counted_rows(spool),
        left_out=with_issues - spelled,
    )  # fmt: skip
    for piece in page:
        out.write(piece.encode(errors="replace"))
    out.flush()
    return summary


def _row(result: Result, language: Language) -> dict[str, Any]:
    issues = [_issue(issue, language) for issue in result.issues]
    return {"file": result.file, "valid": result.is_valid, "issues": issues}


def _issue(issue: Issue, language: Language) -> dict[str, Any]:
    return {**issue_row(issue, language), "text": text_beside_table(issue, language)}


def _counted_rows(spool: Spool) -> Iterator[tuple[int, dict[str, Any]]]:
    return enumerate(spool.rows(), start=1)


@cache
def _template() -> "Template":
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("fhir_server.validation.report_formats", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("report.html")
