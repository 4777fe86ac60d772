"""The rules of `validation/rules/codings.py`: what keeps them, and what breaks them.

Source: FHIR R4 Coding, https://hl7.org/fhir/R4/datatypes.html#Coding
"""

from typing import Any

import pytest

from fhir_server.definitions import core_definitions
from fhir_server.validation import Validator
from fhir_server.validation.strictness import Strictness
from tests.validation.rules.conftest import Judge
from tests.validation.rules.definitions import observation

GENDER = "http://hl7.org/fhir/administrative-gender"
PLACE = "Observation.code.coding[0]"


def coded(**coding: Any) -> dict[str, Any]:
    return observation(code={"coding": [coding]})


@pytest.mark.parametrize(
    ("coding", "expected"),
    [
        ({"system": GENDER, "code": "male", "display": "MALE"}, set()),
        ({"code": "male"}, {("coding-no-system", PLACE)}),
        ({"system": "gender", "code": "male"}, {("coding-system-relative", f"{PLACE}.system")}),
        ({"system": "http://hl7.org/fhir/ValueSet/observation-codes", "code": "x"},
         {("coding-system-is-value-set", f"{PLACE}.system")}),
        ({"system": GENDER, "code": "blue"}, {("coding-unknown-code", f"{PLACE}.code")}),
        ({"system": "https://osteon.example/codes", "code": "x"},
         {("coding-not-checked", f"{PLACE}.system")}),
        ({"system": GENDER, "code": "male", "display": "Bone"}, {("coding-display", f"{PLACE}.display")}),
    ],
)  # fmt: skip
def test_codings__system_code_and_display(
    judge: Judge, coding: dict[str, Any], expected: set[tuple[str, str]]
) -> None:
    assert judge(coded(**coding)) == expected


def test_codings__relative_system_in_a_patient(judge: Judge) -> None:
    found = judge(
        {"resourceType": "Patient", "maritalStatus": {"coding": [{"system": "m", "code": "M"}]}}
    )
    assert ("coding-system-relative", "Patient.maritalStatus.coding[0].system") in found


def severities(given: dict[str, Any], strictness: Strictness | None = None) -> set[str]:
    validator = Validator(core_definitions(), strictness=strictness)
    issues = [one for one in validator.validate(given) if one.id == "coding-display"]
    assert validator.accepts(given) is all(one.severity == "warning" for one in issues)
    return {one.severity for one in issues}


def test_codings__wrong_display_is_as_severe_as_those_who_validate_want_it() -> None:
    wrong = coded(system=GENDER, code="male", display="Bone")
    assert severities(wrong) == {"error"}
    assert severities(wrong, Strictness(displays="warning")) == {"warning"}
    assert severities(coded(system=GENDER, code="male", display="Male")) == set()


def test_codings__display_in_a_language_that_the_system_does_not_speak_is_a_warning() -> None:
    french = {**coded(system=GENDER, code="male", display="Masculin"), "language": "fr"}
    assert severities(french) == {"warning"}
    assert severities({**french, "language": "en-GB"}) == {"error"}
