"""`osteon snapshot`: what it prints and how it ends."""

import json
from pathlib import Path

import pytest

from fhir_server.cli.main import run
from tests.interactions.test_snapshot import PROFILE


def _file(folder: Path, name: str, content: object) -> str:
    path = folder / name
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return str(path)


def test_snapshot__is_written_as_json(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["snapshot", _file(tmp_path, "p.json", PROFILE)]) == 0
    elements = json.loads(capfd.readouterr().out)["snapshot"]["element"]
    assert [e["min"] for e in elements if e["id"] == "Patient.name"] == [1]


def test_snapshot__rests_on_what_is_loaded(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    derived = {**PROFILE, "url": "http://example.org/derived", "baseDefinition": PROFILE["url"],
               "differential": {"element": [{"path": "Patient.gender", "min": 1}]}}  # fmt: skip
    base = _file(tmp_path, "base.json", PROFILE)
    assert run(["snapshot", _file(tmp_path, "p.json", derived), "--load", base]) == 0
    elements = json.loads(capfd.readouterr().out)["snapshot"]["element"]
    names = {e["id"]: e["min"] for e in elements}
    assert (names["Patient.name"], names["Patient.gender"]) == (1, 1)


@pytest.mark.parametrize(
    ("content", "said"),
    [("{", "no JSON"), ({"resourceType": "Patient"}, "no StructureDefinition"),
     ({**PROFILE, "baseDefinition": "http://example.org/none"}, "http://example.org/none"),
     ("<StructureDefinition", "no FHIR XML")],
)  # fmt: skip
def test_snapshot__fault_is_one_line(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], content: object, said: str
) -> None:
    assert run(["snapshot", _file(tmp_path, "p.json", content)]) == 1
    assert said in capfd.readouterr().err


def test_snapshot__fault_is_told_in_the_language_asked_for(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    broken = _file(tmp_path, "p.json", "{")
    assert run(["snapshot", broken, "--lang", "fr"]) == 1
    assert capfd.readouterr().err.startswith("osteon: ligne 1, colonne ")
    orphan = {**PROFILE, "baseDefinition": "http://example.org/none"}
    assert run(["snapshot", _file(tmp_path, "o.json", orphan), "--lang", "fr"]) == 1
    assert "Le profil" in capfd.readouterr().err


def test_snapshot__file_that_cannot_be_read_is_an_input_at_fault(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run(["snapshot", str(tmp_path / "nothing.json")]) == 1
    assert run(["snapshot", str(tmp_path)]) == 1
    assert "nothing.json" in capfd.readouterr().err
