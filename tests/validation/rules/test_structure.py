"""The rules of `validation/rules/structure.py`: what keeps them, and what breaks them.

Source: FHIR R4 §2.6.1 JSON, https://hl7.org/fhir/R4/json.html, and ele-1
"""

from typing import Any

import pytest

from tests.validation.rules.conftest import Judge
from tests.validation.rules.definitions import (
    claiming,
    observation,
    patient,
    profile,
)

GIVEN = "Patient.name[0].given"
TEXT_ONLY = profile("Observation", {"path": "Observation.value[x]", "type": [{"code": "string"}]})


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ({"colour": "red"}, ("unknown-element", "Patient")),
        ({"birthDate": None}, ("json-null", "Patient.birthDate")),
        ({"birthDate": ["2020"]}, ("json-array-unexpected", "Patient.birthDate")),
        ({"name": {"family": "A"}}, ("json-array-expected", "Patient.name")),
        ({"name": []}, ("json-array-empty", "Patient.name")),
        ({"name": [{}]}, ("element-empty", "Patient.name[0]")),
        ({"name": [{"given": ["A", None]}]}, ("element-empty", f"{GIVEN}[1]")),
        ({"name": [{"given": ["A", "B"], "_given": [None]}]}, ("json-array-lengths", GIVEN)),
        ({"name": [{"_given": [None, {"extension": [{"url": "urn:x:e", "valueCode": "x"}]}]}]},
         ("element-empty", f"{GIVEN}[0]")),
        ({"name": ["A"]}, ("json-object-expected", "Patient.name[0]")),
        ({"deceasedBoolean": True, "deceasedDateTime": "2020"}, ("choice-several", "Patient.deceased")),
    ],
)  # fmt: skip
def test_structure__fault_is_named_and_placed(
    judge: Judge, members: dict[str, Any], expected: tuple[str, str]
) -> None:
    assert expected in judge(patient(**members))


@pytest.mark.parametrize(
    "members",
    [
        {"birthDate": "1970", "_birthDate": {"id": "b"}},
        {"_birthDate": {"extension": [{"url": "http://example.org/e", "valueString": "x"}]}},
        {"name": [{"given": ["A", None],
                   "_given": [None, {"extension": [{"url": "http://example.org/e", "valueCode": "x"}]}]}]},
        {"contained": [{"resourceType": "Organization", "id": "o", "name": "Example"}],
         "managingOrganization": {"reference": "#o"}},
    ],
)  # fmt: skip
def test_structure__right_json_has_no_error(judge: Judge, members: dict[str, Any]) -> None:
    assert {issue_id for issue_id, _ in judge(patient(**members))} <= {"extension-not-checked"}


def test_structure__choice_is_of_an_allowed_type(judge: Judge) -> None:
    assert judge(claiming(observation(valueString="x")), TEXT_ONLY) == set()
    found = judge(claiming(observation(valueInteger=1)), TEXT_ONLY)
    assert found == {("choice-type", "Observation.value.ofType(integer)")}


def test_structure__sibling_of_what_is_no_primitive_is_no_element(judge: Judge) -> None:
    needed = profile("Observation", {"path": "Observation.bodySite", "min": 1})
    assert judge(claiming(observation(_bodySite={"text": "x"})), needed) == {
        ("unknown-element", "Observation"), ("cardinality-min", "Observation")
    }  # fmt: skip
    both = observation(valueString="a", _valueQuantity={"value": 1})
    assert judge(claiming(both), TEXT_ONLY) == {("unknown-element", "Observation")}


def test_structure__type_that_is_not_known(judge: Judge) -> None:
    foreign = profile("Patient", {"path": "Patient.name", "type": [{"code": "Stuff"}]})
    assert judge(claiming(patient(name=[{"family": "A"}])), foreign) == {
        ("type-unknown", "Patient.name[0]")
    }
