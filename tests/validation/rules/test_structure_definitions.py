"""The rules of `validation/rules/structure_definitions.py`: what keeps them, and what breaks them.

Source: FHIR R4 StructureDefinition, https://hl7.org/fhir/R4/structuredefinition.html, ElementDefinition,
https://hl7.org/fhir/R4/elementdefinition.html, and §5.1 profiling, https://hl7.org/fhir/R4/profiling.html
"""

from typing import Any

import pytest

from tests.validation.rules.conftest import Judge
from tests.validation.rules.definitions import CORE, profile, url

PLACE = "StructureDefinition.differential.element[0]"


def sliced_by(path: str) -> dict[str, Any]:
    slicing = {"rules": "open", "discriminator": [{"type": "value", "path": path}]}
    return {"path": "Patient.identifier", "slicing": slicing}


def ruled(expression: str) -> dict[str, Any]:
    constraint = {"key": "x-1", "severity": "error", "human": "x", "expression": expression}
    return {"path": "Patient.name", "constraint": [constraint]}


def typed(code: str, **members: Any) -> dict[str, Any]:
    return {"path": "Patient.gender", "type": [{"code": code}], **members}


@pytest.mark.parametrize(
    ("element", "expected"),
    [
        ({"path": "Patient.name", "min": 1}, None),
        ({"path": "Person.name"}, ("element-path", "")),
        (typed("code", fixedCode="male"), None),
        (typed("code", fixedString="male"), ("value-type", ".fixed")),
        ({"path": "Patient.contact", "type": [{"code": "BackboneElement"}],
          "binding": {"strength": "required"}}, ("binding-type", "")),
        (sliced_by("system"), None),
        (sliced_by("colour"), ("discriminator-path", ".slicing.discriminator[0]")),
        (ruled("given.exists()"), None),
        (ruled("given.exists("), ("constraint-expression", ".constraint[0].expression")),
        ({"path": "Patient.maritalStatus", "type": [
            {"code": "CodeableConcept", "profile": [f"{CORE}/SimpleQuantity"]}]},
         ("type-profile-type", ".type[0].profile[0]")),
    ],
)  # fmt: skip
def test_structure_definitions__differential_adds_up(
    judge: Judge, element: dict[str, Any], expected: tuple[str, str] | None
) -> None:
    found = judge(profile("Patient", element))
    if expected is None:
        assert found == set()
    else:
        assert (expected[0], f"{PLACE}{expected[1]}") in found


@pytest.mark.parametrize(
    "members",
    [{"slicing": {"discriminator": 3}}, {"constraint": 3}, {"type": 3}, {"type": [{"profile": 3}]}],
)
def test_structure_definitions__element_of_any_shape(judge: Judge, members: dict[str, Any]) -> None:
    assert judge(profile("Patient", {"path": "Patient.name", **members}))


def test_structure_definitions__snapshot_can_be_made(judge: Judge) -> None:
    assert judge(profile("Patient", {"path": "Patient.colour"})) == {
        ("profile-unknown-element", "StructureDefinition")
    }


def test_structure_definitions__unknown_base_is_a_warning(judge: Judge) -> None:
    orphan = profile("Patient", {"path": "Patient.name"}, base=url("none"))
    assert judge(orphan) == {("profile-unknown-base", "StructureDefinition")}
