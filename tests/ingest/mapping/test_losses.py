"""Losses of other converters: what has no row in HL7's tables, and what stands outside the structure."""

import re
from pathlib import Path

import pytest

from ingest.mapping import map_message
from tests.ingest.mapping.conftest import read_message
from tests.ingest.mapping.feed import message, patient, stay

TESTS = Path(__file__).parents[2]
PAGE = TESTS.parent / "docs" / "hl7v2-losses.md"


def field(segment: str, **values: str) -> str:
    """A segment with some fields, named `f5=…`."""
    last = max(int(name[1:]) for name in values)
    return "|".join([segment, *(values.get(f"f{n}", "") for n in range(1, last + 1))])


@pytest.mark.parametrize(
    ("specimen", "observation"),
    [
        ({"f5": "MODIF^Modificateur^L"}, {}),
        ({"f9": "COTE^Côté^L"}, {}),
        ({"f11": "ROLE^Rôle^L"}, {}),
        ({"f21": "REFUS^Refus^L"}, {}),
        ({}, {"f31": "ACTION"}),
        ({}, {"f32": "ABSENT^Absent^L"}),
    ],
    ids=["SPM-5", "SPM-9", "SPM-11", "SPM-21", "OBX-31", "OBX-32"],
)
def test_value__without_a_row_stands_in_the_resources(
    specimen: dict[str, str], observation: dict[str, str]
) -> None:
    value = next(iter((specimen or observation).values())).partition("^")[0]
    result = map_message(
        message(
            "ORU^R01^ORU_R01",
            patient(),
            "OBR|1||L1^LABO-C01|58410-2^CBC^LN" + "|" * 20 + "HM|F",
            field("OBX", f1="1", f2="ST", f3="718-7^Hemoglobin^LN", f11="F", **observation),
            field("SPM", f1="1", f2="^S1&LABO-C01", f4="BLD^Blood^HL70487", **specimen),
        )
    )
    assert not result.held
    assert value in str(result.resources)


def test_identity_reliability__of_pid_32_stands_in_the_resources() -> None:
    sent = message("ADT^A28^ADT_A05", patient() + "|" * 21 + "VALI~HOMA")
    result = map_message(sent)
    found = next(r for r in result.resources if r["resourceType"] == "Patient")
    assert [tag["code"] for tag in found["meta"]["tag"]] == ["VALI"]
    assert "HOMA" in str(result.resources)


def test_line_break__escaped_in_a_text_is_one_in_the_resource() -> None:
    sent = read_message(
        "oru_r01_narrative", ("de haut grade du fémur gauche.", "de haut grade\\.br\\du fémur.")
    )
    report = next(r for r in map_message(sent).resources if r["resourceType"] == "DiagnosticReport")
    assert "de haut grade\ndu fémur." in report["conclusion"]


@pytest.mark.parametrize("version", ["", "2.1", "2.9", "2.5^FRA^2.11", "dernière"])
def test_version__that_nobody_knows_keeps_nothing_from_being_read(version: str) -> None:
    sent = read_message("adt_a01_pam_fr", ("2.5^FRA^2.11", version))
    result = map_message(sent)
    assert result.bundle is not None, result.held


def test_value__that_finds_its_element_taken_is_kept() -> None:
    diagnosis = "DG1|1||M89.9^Lésion^CIM10^^^^^^Texte d'origine|Autre description"
    result = map_message(message("ADT^A01^ADT_A01", patient(), stay(), diagnosis))
    fate = next(one for one in result.fates if one.path == "DG1[1]-4[1].1")
    assert (fate.kind, fate.carried) == ("kept", True)
    assert "Autre description" in str(result.resources)


def test_segment__outside_the_structure_is_kept() -> None:
    diagnosis = "DG1|1||C40.2^Tumeur maligne^CIM10"
    result = map_message(read_message("oru_r01_narrative", ("\nSPM|", f"\n{diagnosis}\nSPM|")))
    provenance = next(r for r in result.resources if r["resourceType"] == "Provenance")
    assert "Tumeur maligne" in str(provenance["extension"])


def test_page__names_tests_that_exist() -> None:
    named = re.findall(r"`(test_\w+\.py)::(test_\w+)`", PAGE.read_text())
    assert len(named) > 20
    for file, name in named:
        texts = [path.read_text() for path in TESTS.rglob(file)]
        assert any(re.search(rf"def {name}\b", text) for text in texts), (file, name)
