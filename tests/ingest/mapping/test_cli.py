"""`osteon hl7v2 map`."""

import json
from pathlib import Path
from shutil import copytree

from typer.testing import CliRunner

from ingest.cli import app
from ingest.mapping.library import mappings_folder
from tests.ingest.mapping.conftest import MESSAGES

RUNNER = CliRunner()


def test_map__prints_the_bundle() -> None:
    result = RUNNER.invoke(app, ["map", str(MESSAGES / "oru_r01_narrative.hl7")])
    assert result.exit_code == 0
    assert json.loads(result.stdout)["type"] == "transaction"


def test_map_explain__tells_the_fate_of_every_field() -> None:
    result = RUNNER.invoke(app, ["map", "--explain", str(MESSAGES / "adt_a01_pam_fr.hl7")])
    assert result.exit_code == 0
    lines = [line.split() for line in result.stdout.splitlines()]
    assert ["PID[1]-7[1].1", "mapped", "Patient[1].birthDate"] in lines
    assert "0 rejected" in result.stdout


def test_map__of_a_held_message_ends_with_one(tmp_path: Path) -> None:
    held = tmp_path / "held.hl7"
    text = (MESSAGES / "adt_a01_pam_fr.hl7").read_text(encoding="utf-8")
    held.write_text(text.replace("CENTRE-C01|OSTEON", "NOWHERE|OSTEON"), encoding="utf-8")
    result = RUNNER.invoke(app, ["map", "--language", "fr", str(held)])
    assert result.exit_code == 1
    assert "Aucun centre du registre" in result.stdout


def test_map__of_a_file_without_a_message_tells_so_and_ends_with_one(tmp_path: Path) -> None:
    empty = tmp_path / "empty.hl7"
    empty.write_bytes(b"")
    result = RUNNER.invoke(app, ["map", "--language", "fr", str(empty)])
    assert result.exit_code == 1
    assert "ne commence pas par un segment MSH" in result.output


def test_map__with_a_broken_map_tells_file_line_and_expectation(tmp_path: Path) -> None:
    folder = tmp_path / "mappings"
    copytree(mappings_folder(), folder)
    broken = folder / "segments" / "PID.yaml"
    text = broken.read_text(encoding="utf-8").replace("as: XPN.HumanName", "as: XPN.Humanname", 1)
    broken.write_text(text, encoding="utf-8")
    line = 1 + text[: text.index("XPN.Humanname")].count("\n")
    result = RUNNER.invoke(
        app, ["map", "--mappings", str(folder), str(MESSAGES / "adt_a01_pam_fr.hl7")]
    )
    assert result.exit_code == 2
    assert f"segments/PID.yaml:{line}: a primitive type or a data type's map" in result.stderr
