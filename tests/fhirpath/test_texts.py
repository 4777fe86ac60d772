"""Every issue that the code names has its texts in both languages."""

import re
from pathlib import Path

import fhir_server.fhirpath
from fhir_server.model.issues import texts

SOURCES = Path(fhir_server.fhirpath.__file__).parent
EXPECTED_KINDS = ("expression", "operator", "symbol", "name", "variable", "type")


def test_texts__every_issue_has_both_languages() -> None:
    named = {f"fhirpath-expected-{kind}" for kind in EXPECTED_KINDS}
    for source in SOURCES.rglob("*.py"):
        named |= set(re.findall(r'"(fhirpath-[a-z-]+[a-z])"', source.read_text()))
    known = {issue_id for issue_id in texts() if issue_id.startswith("fhirpath-")}
    assert named == known
    for issue_id in known:
        for language in ("en", "fr"):
            assert texts()[issue_id][language]["text"]
            assert texts()[issue_id][language]["hint"]
