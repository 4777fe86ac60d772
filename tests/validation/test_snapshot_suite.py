"""The snapshot cases of the official suite for R4."""

from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from fhir_server.definitions import core_definitions
from fhir_server.model.json_source import parse_json
from fhir_server.model.xml_source import parse_xml
from fhir_server.validation.snapshot import SnapshotGenerator
from tests.validation.conformance import FOLDER, has
from tests.validation.snapshot_facts import facts_by_id

SUITE = FOLDER / "snapshot"
NOT_R4 = {"bc-UterusActivity", "StructureDefinition-encounter-legalStatus"}


def _cases() -> list[tuple[str, str]]:
    if not has("snapshot"):
        return []
    manifest = etree.parse(SUITE / "manifest.xml")
    return [
        (str(test.get("id")), test.get("register") or "")
        for test in manifest.getroot().iter("test")
        if test.get("id") not in NOT_R4
    ]


def _read(path: Path) -> dict[str, Any]:
    source = path.read_bytes()
    if path.suffix == ".xml":
        return parse_xml(source, core_definitions().type_model)
    resource: dict[str, Any] = parse_json(source)
    return resource


def _load(name: str) -> dict[str, Any]:
    for suffix in (".json", ".xml"):
        for stem in (name, f"{name}-input"):
            path = SUITE / f"{stem}{suffix}"
            if path.exists():
                return _read(path)
    raise FileNotFoundError(name)


@pytest.mark.parametrize(("case", "register"), [pytest.param(*c, id=c[0]) for c in _cases()])
def test_snapshot__suite_case_agrees(case: str, register: str) -> None:
    # nl-core-NursingIntervention rests on a profile of a neighbouring case.
    others = [
        _load(name) for name in (*filter(None, register.split(",")), "zib-NursingIntervention")
    ]
    structure = _load(f"{case}-input")
    others = [other for other in others if other["url"] != structure["url"]]
    for resource in (structure, *others):
        resource.pop("snapshot", None)
    generator = SnapshotGenerator(core_definitions().layered(others))
    expected = _load(f"{case}-output")
    assert facts_by_id(generator.generate(structure)) == facts_by_id(
        expected["snapshot"]["element"]
    )
