"""The rules of `validation/rules/bindings.py`: what keeps them, and what breaks them.

Source: FHIR R4 §4.1.5, https://hl7.org/fhir/R4/terminologies.html#strength
"""

import pytest

from tests.validation.rules.conftest import Judge
from tests.validation.rules.definitions import claiming, observation, patient, profile

GENDERS = "http://hl7.org/fhir/ValueSet/administrative-gender"
GENDER = "http://hl7.org/fhir/administrative-gender"
MAX_VALUE_SET = "http://hl7.org/fhir/StructureDefinition/elementdefinition-maxValueSet"


def bound(strength: str, value_set: str = GENDERS, **members: object) -> dict[str, object]:
    binding = {"strength": strength, "valueSet": value_set, **members}
    return profile("Observation", {"path": "Observation.code", "binding": binding})


def coded(system: str, code: str) -> dict[str, object]:
    return claiming(observation(code={"coding": [{"system": system, "code": code}]}))


def test_bindings__code_of_a_required_value_set(judge: Judge) -> None:
    assert judge(patient(gender="other")) == set()
    assert judge(patient(gender="blue")) == {("binding-required", "Patient.gender")}


@pytest.mark.parametrize(
    ("strength", "expected"),
    [
        ("required", "binding-required"),
        ("extensible", "binding-extensible"),
        ("preferred", "binding-preferred"),
    ],
)
def test_bindings__strength_decides_how_a_foreign_code_is_named(
    judge: Judge, strength: str, expected: str
) -> None:
    foreign = coded("http://hl7.org/fhir/observation-status", "final")
    assert judge(foreign, bound(strength)) == {(expected, "Observation.code")}
    assert judge(coded(GENDER, "male"), bound(strength)) == set()


def test_bindings__text_alone_is_no_code(judge: Judge) -> None:
    text_only = claiming(observation(code={"text": "Pain"}))
    assert judge(text_only, bound("required")) == {("binding-no-code", "Observation.code")}
    assert judge(text_only, bound("extensible")) == {("binding-no-code", "Observation.code")}
    assert judge(text_only, bound("preferred")) == set()


def test_bindings__outer_bound_counts_as_required(judge: Judge) -> None:
    outer = [{"url": MAX_VALUE_SET, "valueCanonical": GENDERS}]
    one = bound("preferred", "http://hl7.org/fhir/ValueSet/observation-status", extension=outer)
    foreign = coded("http://hl7.org/fhir/observation-status", "final")
    assert ("binding-required", "Observation.code") in judge(foreign, one)
    assert judge(claiming(observation(code={"text": "Pain"})), one) == set()


def test_bindings__unknown_value_set_is_said_not_to_be_checked(judge: Judge) -> None:
    one = bound("required", "https://osteon.example/fhir/ValueSet/none")
    assert judge(coded(GENDER, "male"), one) == {("binding-not-checked", "Observation.code")}
