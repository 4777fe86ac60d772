"""SARIF 2.1.0, as code scanners exchange it: a result for each issue, a rule for each issue id.

Source: OASIS SARIF 2.1.0, https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
"""

from collections.abc import Iterable, Mapping
from importlib.metadata import version
from typing import Any, BinaryIO
from urllib.parse import quote

from fhir_server.model.issues import Issue, Language, Severity
from fhir_server.model.json_source import encode_json
from fhir_server.validation.report_formats.wording import slice_table
from fhir_server.validation.sources import Result
from fhir_server.validation.summary import Summary

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
LEVELS: Mapping[Severity, str] = {
    "fatal": "error",
    "error": "error",
    "warning": "warning",
    "information": "note",
}
_HEAD = b'{"$schema":"%s","version":"2.1.0","runs":[{"results":['


def write_sarif(results: Iterable[Result], out: BinaryIO, language: Language) -> Summary:
    """Write one run: its results as they come, then the rules that they name."""
    summary = Summary()
    out.write(_HEAD % SCHEMA.encode())
    separator = b"\n"
    for result in summary.counting(results):
        for issue in result.issues:
            out.write(separator + encode_json(_result(result, issue, language)))
            separator = b",\n"
    out.write(b'\n],"columnKind":"unicodeCodePoints","language":"%s"' % language.encode())
    out.write(b',"tool":' + encode_json({"driver": _driver(summary, language)}) + b"}]}\n")
    out.flush()
    return summary


def _result(result: Result, issue: Issue, language: Language) -> dict[str, Any]:
    # §3.4: a path becomes a URI reference; §3.33: what has no path of its own has a logical place.
    place: dict[str, Any] = {"artifactLocation": {"uri": quote(result.path or result.file)}}
    if issue.line is not None:
        place["region"] = {"startLine": issue.line, "startColumn": issue.column or 1}
    location: dict[str, Any] = {"physicalLocation": place}
    if issue.expression:
        location["logicalLocations"] = [{"fullyQualifiedName": issue.expression, "kind": "element"}]
    hint = issue.hint(language)
    properties: dict[str, Any] = {"fhirCode": issue.code, "record": result.file}
    if issue.profile is not None:
        properties["profile"] = issue.profile
    table = slice_table(issue)
    if table is not None:
        properties["slices"] = list(table.rows)
    return {
        "ruleId": issue.id,
        "level": LEVELS[issue.severity],
        "message": {"text": f"{issue.text(language)} {hint}".strip()},
        "locations": [location],
        "properties": properties,
    }


def _driver(summary: Summary, language: Language) -> dict[str, Any]:
    return {
        "name": "Osteon",
        "semanticVersion": version("osteon"),
        "rules": [
            {
                "id": issue_id,
                "shortDescription": {"text": Issue(issue_id, rule.severity, "").text(language)},
                "defaultConfiguration": {"level": LEVELS[rule.severity]},
            }
            for issue_id, rule in sorted(summary.rules.items())
        ],
    }
