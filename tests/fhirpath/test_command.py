"""`osteon fhirpath`: what is said of an input that has no type of its own."""

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
