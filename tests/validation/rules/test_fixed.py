"""The rules of `validation/rules/fixed.py`: what keeps them, and what breaks them.

Source: FHIR R4 ElementDefinition fixed[x] and pattern[x],
https://hl7.org/fhir/R4/elementdefinition-definitions.html#ElementDefinition.fixed_x_
"""

from tests.validation.rules.conftest import Judge
from tests.validation.rules.definitions import claiming, patient, profile

NAME = {"use": "official", "family": "A"}
FIXED = profile("Patient", {"path": "Patient.name", "fixedHumanName": NAME})
PATTERN = profile("Patient", {"path": "Patient.name", "patternHumanName": NAME})


def test_fixed__value_is_exactly_the_fixed_one(judge: Judge) -> None:
    assert judge(claiming(patient(name=[NAME])), FIXED) == set()
    assert judge(claiming(patient(name=[{**NAME, "text": "A"}])), FIXED) == {
        ("fixed-value", "Patient.name[0].text")
    }


def test_fixed__each_difference_is_named_where_it_stands(judge: Judge) -> None:
    assert judge(claiming(patient(name=[{"family": "B", "text": "B"}])), FIXED) == {
        ("fixed-value", "Patient.name[0]"),
        ("fixed-value", "Patient.name[0].family"),
        ("fixed-value", "Patient.name[0].text"),
    }


def test_fixed__what_a_list_lacks_is_named_with_its_object(judge: Judge) -> None:
    coding = {"system": "https://osteon.example/s", "code": "a"}
    status = {"path": "Patient.maritalStatus", "patternCodeableConcept": {"coding": [coding]}}
    given = claiming(patient(maritalStatus={"coding": [{**coding, "code": "b"}]}))
    assert ("pattern-value", "Patient.maritalStatus") in judge(given, profile("Patient", status))


def test_fixed__value_holds_what_the_pattern_has(judge: Judge) -> None:
    assert judge(claiming(patient(name=[{**NAME, "text": "A"}])), PATTERN) == set()
    assert judge(claiming(patient(name=[{"family": "A"}])), PATTERN) == {
        ("pattern-value", "Patient.name[0]")
    }
