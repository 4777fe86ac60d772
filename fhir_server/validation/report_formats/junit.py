"""JUnit XML, as build servers read it: a suite for each file, a test case for each record.

Source: the Jenkins schema, https://github.com/jenkinsci/xunit-plugin (junit-10.xsd), which others share
"""

import re
from collections.abc import Iterable
from itertools import groupby
from typing import Any, BinaryIO

from lxml import etree

from fhir_server.model.issues import Language
from fhir_server.validation.report_formats.json import issue_row
from fhir_server.validation.report_formats.spool import Spool
from fhir_server.validation.report_formats.wording import SEVERITY_WORDS, WORDS
from fhir_server.validation.sources import Result
from fhir_server.validation.summary import Summary

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_ERRORS = frozenset({"fatal", "error"})


def write_junit(results: Iterable[Result], out: BinaryIO, language: Language) -> Summary:
    """Write the document: errors are the failure of their case, what is less its output."""
    summary, spool = Summary(), Spool()
    for result in summary.counting(results):
        issues = [issue_row(issue, language) for issue in result.issues]
        spool.add({"path": result.path or result.file, "name": result.file, "issues": issues})
    totals = {"tests": str(summary.records), "failures": str(summary.invalid), "errors": "0"}
    with etree.xmlfile(out, encoding="utf-8") as xml:
        xml.write_declaration()
        with xml.element("testsuites", name=WORDS[language]["title"], **totals):
            for path, rows in groupby(spool.rows(), key=lambda row: str(row["path"])):
                file = summary.files[path]
                with xml.element(
                    "testsuite", name=_clean(path), tests=str(file.records),
                    failures=str(file.invalid), errors="0", skipped="0", time="0",
                ):  # fmt: skip
                    for row in rows:
                        xml.write(_case(row, language))
    out.write(b"\n")
    out.flush()
    return summary


def _case(row: dict[str, Any], language: Language) -> Any:
    case = etree.Element(
        "testcase", name=_clean(row["name"]), classname=_clean(row["path"]), time="0"
    )
    errors = [issue for issue in row["issues"] if issue["severity"] in _ERRORS]
    others = [issue for issue in row["issues"] if issue["severity"] not in _ERRORS]
    if errors:
        failure = etree.SubElement(
            case, "failure", type=errors[0]["id"], message=_clean(errors[0]["text"])
        )
        failure.text = _clean("\n".join(_line(issue, language) for issue in errors))
    if others:
        output = etree.SubElement(case, "system-out")
        output.text = _clean("\n".join(_line(issue, language) for issue in others))
    return case


def _line(issue: dict[str, Any], language: Language) -> str:
    place = "" if issue["line"] is None else f"{issue['line']}:{issue['column']} "
    where = f"{issue['expression']} " if issue["expression"] else ""
    word = SEVERITY_WORDS[language][issue["severity"]]
    hint = f" → {issue['hint']}" if issue["hint"] else ""
    return f"{word} {place}{where}[{issue['id']}] {issue['text']}{hint}"


def _clean(text: str) -> str:
    """The text without the characters that XML cannot hold."""
    return _NOT_XML.sub("\ufffd", text)
