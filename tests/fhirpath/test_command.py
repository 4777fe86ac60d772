"""`osteon fhirpath`: what is said of an input that has no type of its own."""

import json
from pathlib import Path

import pytest

from fhir_server.cli.main import run


def test_fhirpath__type_that_is_no_text_is_no_type(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.json").write_text('{"resourceType": 12}')
    assert run(["fhirpath", "1 + 1", str(tmp_path / "a.json")]) == 0
    assert capfd.readouterr().out == "2\n"


def test_fhirpath__half_a_character_is_a_fault_of_the_expression(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.json").write_text('{"resourceType": "Patient"}')
    assert run(["fhirpath", r"'\uD800'", str(tmp_path / "a.json")]) == 1
    assert "hexadecimal" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("profile", "answer"), [("bodyweight", "false\n"), ("Observation", "true\n")]
)
def test_fhirpath__conforms_to_a_profile_that_is_loaded(
    profile: str, answer: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    observation = {"resourceType": "Observation", "status": "final", "code": {"text": "Weight"}}
    (tmp_path / "a.json").write_text(json.dumps(observation))
    expression = f"conformsTo('http://hl7.org/fhir/StructureDefinition/{profile}')"
    assert run(["fhirpath", expression, str(tmp_path / "a.json")]) == 0
    assert capfd.readouterr().out == answer


def test_fhirpath__conforms_to_a_profile_that_is_not_known_is_refused(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.json").write_text('{"resourceType": "Patient"}')
    assert run(["fhirpath", "conformsTo('urn:x')", str(tmp_path / "a.json")]) == 1
    assert "urn:x" in capfd.readouterr().err


def test_fhirpath__fault_in_a_long_expression_is_shown_with_what_stands_around_it(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.json").write_text('{"resourceType": "Patient"}')
    expression = "name.exists() and " * 200 + "name..given" + " and name.exists()" * 200
    assert run(["fhirpath", expression, str(tmp_path / "a.json")]) == 1
    told = capfd.readouterr().err
    assert len(told) < 600
    shown, mark = told.splitlines()[1:3]
    assert shown[mark.index("^") - 1 :].startswith("..given")


@pytest.mark.parametrize(
    ("expression", "wanted"), [("first(1, 2)", "first(): 0;"), ("substring()", "substring(): 1–2;")]
)
def test_fhirpath__number_of_arguments_is_told(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], expression: str, wanted: str
) -> None:
    (tmp_path / "a.json").write_text('{"resourceType": "Patient"}')
    assert run(["fhirpath", expression, str(tmp_path / "a.json")]) == 1
    assert wanted in capfd.readouterr().err
