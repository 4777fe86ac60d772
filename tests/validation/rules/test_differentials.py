"""The rules of `validation/rules/differentials.py`: what keeps them, and what breaks them.

Source: FHIR R4 §5.1.0.4 and §5.1.0.9, https://hl7.org/fhir/R4/profiling.html#cardinality
"""

from typing import Any

import pytest

from tests.validation.rules.conftest import Judge
from tests.validation.rules.definitions import profile, url

PLACE = "StructureDefinition.differential.element[0]"
FIXED = profile("Patient", {"path": "Patient.active", "fixedBoolean": True, "min": 1}, name="fixed")


@pytest.mark.parametrize(
    ("element", "expected"),
    [
        ({"path": "Patient.gender", "min": 1}, None),
        ({"path": "Patient.link.other", "min": 0}, ("minimum-below-base", ".min")),
        ({"path": "Patient.gender", "max": "2"}, ("maximum-above-base", ".max")),
        ({"path": "Patient.gender", "type": [{"code": "string"}]}, ("type-not-in-base", ".type[0]")),
    ],
)  # fmt: skip
def test_differentials__nothing_becomes_wider(
    judge: Judge, element: dict[str, Any], expected: tuple[str, str] | None
) -> None:
    found = judge(profile("Patient", element))
    assert found == (set() if expected is None else {(expected[0], PLACE + expected[1])})


def test_differentials__fixed_value_of_the_base_stays(judge: Judge) -> None:
    element = {"path": "Patient.active", "type": [{"code": "boolean"}]}
    same = profile("Patient", {**element, "fixedBoolean": True}, base=url("fixed"))
    other = profile("Patient", {**element, "fixedBoolean": False}, base=url("fixed"))
    assert judge(same, FIXED) == set()
    assert judge(other, FIXED) == {("fixed-not-as-base", f"{PLACE}.fixed")}


def test_differentials__definition_of_another_shape_is_its_authors_fault(judge: Judge) -> None:
    broken = profile("Patient", {"path": "Patient.contact", "extension": "none"})
    assert ("profile-broken", "StructureDefinition") in judge(broken)
