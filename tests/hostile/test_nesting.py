"""Text nested 10,000 deep is refused with its reason, in JSON and in XML, by every command that reads it."""

import json
from pathlib import Path

import pytest

from tests.hostile.bounded import osteon, validated

DEEP = 10_000
JSON = {
    "objects": '{"resourceType":"Patient","contact":' + '{"x":' * DEEP + "1" + "}" * DEEP + "}",
    "arrays": '{"resourceType":"Patient","name":' + "[" * DEEP + "]" * DEEP + "}",
    "bundles": '{"resourceType":"Bundle","type":"collection","entry":[{"resource":' * DEEP
    + "{}" + "}]}" * DEEP,
    "extensions": '{"resourceType":"Patient","extension":' + '[{"url":"x","extension":' * DEEP
    + "[]" + "}]" * DEEP + "}",
    "unclosed": "[" * (DEEP * 100),
}  # fmt: skip
XML = {
    "elements": '<Patient xmlns="http://hl7.org/fhir">' + "<a>" * DEEP + "</a>" * DEEP + "</Patient>",
    "extensions": '<Patient xmlns="http://hl7.org/fhir">' + '<extension url="x">' * DEEP
    + "</extension>" * DEEP + "</Patient>",
    "unclosed": '<Patient xmlns="http://hl7.org/fhir">' + "<a>" * (DEEP * 100),
}  # fmt: skip
ENTITIES = (
    '<!DOCTYPE x [<!ENTITY a "ha">'
    + "".join(f'<!ENTITY a{n} "{"&a;" if n == 0 else f"&a{n - 1};" * 10}">' for n in range(30))
    + ']><Patient xmlns="http://hl7.org/fhir"><id value="&a29;"/></Patient>'
)


def test_source__nested_too_deep_is_refused(tmp_path: Path) -> None:
    for name, text in JSON.items():
        (tmp_path / f"{name}.json").write_text(text)
    for name, text in XML.items():
        (tmp_path / f"{name}.xml").write_text(text)
    rows = json.loads(osteon("validate", "--format", "json", tmp_path).out)
    assert len(rows) == len(JSON) + len(XML)
    for row in rows:
        kind = Path(row["file"]).suffix.removeprefix(".")
        assert [issue["id"] for issue in row["issues"]] == [f"{kind}-syntax"], row["file"]


def test_xml__entities_are_refused(tmp_path: Path) -> None:
    assert validated(tmp_path, ENTITIES, name="r.xml").errors <= {"xml-doctype", "xml-syntax"}


def test_xml__narrative_nested_too_deep_is_refused(tmp_path: Path) -> None:
    div = '<div xmlns="http://www.w3.org/1999/xhtml">' + "<b>" * DEEP + "</b>" * DEEP + "</div>"
    source = f'<Patient xmlns="http://hl7.org/fhir"><text><status value="generated"/>{div}</text></Patient>'
    assert validated(tmp_path, source, name="r.xml").code == 1


@pytest.mark.parametrize("text", ["(" * DEEP + "1" + ")" * DEEP, "1" + "+1" * DEEP])
def test_fhirpath__expression_nested_too_deep_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "p.json"
    file.write_text('{"resourceType":"Patient"}')
    ended = osteon("fhirpath", text, file)
    assert "a fault of Osteon itself" not in ended.err


@pytest.mark.parametrize("command", [["fhirpath", "id"], ["snapshot"]])
def test_commands__nested_file_is_refused(tmp_path: Path, command: list[str]) -> None:
    for name, text in (("p.json", JSON["objects"]), ("p.xml", XML["elements"])):
        file = tmp_path / name
        file.write_text(text)
        ended = osteon(*command, file)
        assert ended.code == 1
        assert "nested" in ended.err or "depth" in ended.err.lower()
