"""`memberOf()`, `subsumes()`, `subsumedBy()` and `%vs-…` over loaded terminology.

Source: https://hl7.org/fhir/R4/fhirpath.html#functions
"""

from pathlib import Path
from typing import Any

import pytest

from fhir_server.cli.main import run
from fhir_server.fhirpath import FHIRPath
from fhir_server.terminology import FHIRPathTerminology
from tests.terminology.operations.bones import ALL, SYSTEM, terminology

KNOWN = terminology()
ENGINE = FHIRPath(KNOWN.definitions.type_model, terminology=FHIRPathTerminology(KNOWN))


def condition(*codes: str, system: str = SYSTEM) -> dict[str, Any]:
    codings = [{"system": system, "code": code} for code in codes]
    return {"resourceType": "Condition", "code": {"coding": codings}, "bodySite": [
        {"coding": [{"system": SYSTEM, "code": "limb"}]}]}  # fmt: skip


@pytest.mark.parametrize(
    ("resource", "expression", "expected"),
    [
        (condition("femur"), f"code.memberOf('{ALL}')", [True]),
        (condition("rib", "femur"), f"code.memberOf('{ALL}')", [True]),
        (condition("rib"), f"code.memberOf('{ALL}')", [False]),
        (condition("rib"), "code.memberOf('urn:x:none')", []),
        (condition("femur"), f"code.coding.first().memberOf('{ALL}')", [True]),
        (condition("femur"), f"code.coding.code.memberOf('{ALL}')", [True]),
        ({"resourceType": "Patient", "gender": "male"}, "gender.memberOf(%`vs-administrative-gender`)",
         [True]),
        ({"resourceType": "Patient", "gender": "x"}, "gender.memberOf(%`vs-administrative-gender`)", [False]),
        (condition("femur"), "bodySite.first().subsumes(code)", [True]),
        (condition("femur"), "code.subsumes(bodySite.first())", [False]),
        (condition("femur"), "code.subsumedBy(bodySite.first())", [True]),
        (condition("limb"), "code.subsumes(bodySite.first())", [True]),
        (condition("a", system="urn:x:none"), "code.subsumes(code)", []),
    ],
)  # fmt: skip
def test_fhirpath__asks_the_terminology(
    resource: dict[str, Any], expression: str, expected: list[bool]
) -> None:
    compiled = ENGINE.compile(expression, resource["resourceType"])
    assert compiled.evaluate(resource) == expected


def test_cli__fhirpath_asks_what_is_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OSTEON_DATA_DIR", str(tmp_path / "data"))
    file = tmp_path / "patient.json"
    file.write_text('{"resourceType": "Patient", "gender": "male"}')
    expression = "gender.memberOf(%`vs-administrative-gender`)"
    assert run(["fhirpath", expression, str(file)]) == 0
    assert capsys.readouterr().out == "true\n"
