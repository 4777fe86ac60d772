"""The validator's promises to those who call it."""

from decimal import Decimal
from typing import Any

import pytest

from fhir_server.definitions import core_definitions
from fhir_server.model.issues import Issue
from fhir_server.model.json_source import JsonPositions
from fhir_server.model.locations import with_positions
from fhir_server.validation import Validator

VALIDATOR = Validator(core_definitions())


def _errors(resource: Any) -> list[tuple[str, str]]:
    issues = VALIDATOR.validate(resource)
    assert VALIDATOR.accepts(resource) is all(i.severity != "error" for i in issues)
    return [(i.id, i.expression) for i in issues if i.severity == "error"]


def _patient(**members: Any) -> dict[str, Any]:
    return {"resourceType": "Patient", **members}


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ({"colour": "red"}, ("unknown-element", "Patient")),
        ({"gender": "blue"}, ("binding-required", "Patient.gender")),
        ({"gender": 1}, ("primitive-json-type", "Patient.gender")),
        ({"birthDate": "2020-02-30"}, ("primitive-form", "Patient.birthDate")),
        ({"birthDate": ""}, ("primitive-empty", "Patient.birthDate")),
        ({"birthDate": None}, ("json-null", "Patient.birthDate")),
        ({"birthDate": ["2020"]}, ("json-array-unexpected", "Patient.birthDate")),
        ({"name": {"family": "Example"}}, ("json-array-expected", "Patient.name")),
        ({"name": []}, ("json-array-empty", "Patient.name")),
        ({"name": [{}]}, ("element-empty", "Patient.name[0]")),
        ({"name": [{"given": ["A", None]}]}, ("element-empty", "Patient.name[0].given[1]")),
        ({"name": ["Example"]}, ("json-object-expected", "Patient.name[0]")),
        ({"link": [{"type": "seealso"}]}, ("cardinality-min", "Patient.link[0]")),
        ({"contact": [{"gender": "male"}]}, ("invariant", "Patient.contact[0]")),
        ({"deceasedBoolean": True, "deceasedDateTime": "2020"}, ("choice-several", "Patient.deceased")),
        ({"meta": {"profile": ["http://example.org/none"]}}, ("profile-unknown", "Patient.meta.profile")),
        ({"managingOrganization": {"reference": "Patient/1"}},
         ("reference-type", "Patient.managingOrganization")),
        ({"managingOrganization": {"reference": "#x"}},
         ("reference-contained-missing", "Patient.managingOrganization")),
        ({"extension": [{"url": "http://example.org/e"}]}, ("invariant", "Patient.extension[0]")),
        ({"text": {"status": "generated", "div": "<div>x</div>"}}, ("narrative-no-div", "Patient.text.div")),
        ({"maritalStatus": {"coding": [{"system": "m", "code": "M"}]}},
         ("coding-system-relative", "Patient.maritalStatus.coding[0].system")),
    ],
)  # fmt: skip
def test_validate__fault_is_named_and_placed(
    members: dict[str, Any], expected: tuple[str, str]
) -> None:
    assert expected in _errors(_patient(**members))


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
def test_validate__right_json_has_no_error(members: dict[str, Any]) -> None:
    assert _errors(_patient(**members)) == []


@pytest.mark.parametrize("value", [None, 1, "x", [], {}, {"resourceType": 1}, {"resourceType": "Nothing"},
                                   {"resourceType": "Resource"}])  # fmt: skip
def test_validate__what_is_no_resource_is_an_issue(value: Any) -> None:
    assert _errors(value)


def test_validate__choice_is_written_with_its_type() -> None:
    observation = {
        "resourceType": "Observation", "status": "final", "code": {"text": "x"},
        "valueQuantity": {"value": Decimal("1.0"), "comparator": "="},
    }  # fmt: skip
    assert _errors(observation) == [
        ("binding-required", "Observation.value.ofType(Quantity).comparator")
    ]


def test_with_positions__unknown_element_is_placed_at_itself() -> None:
    source = b'{"resourceType": "Patient",\n  "colour": "red"}'
    issues = with_positions(
        VALIDATOR.validate({"resourceType": "Patient", "colour": "red"}), JsonPositions(source)
    )
    assert _places(issues, "unknown-element") == [(2, 3)]


def _places(issues: list[Issue], issue_id: str) -> list[tuple[int | None, int | None]]:
    return [(i.line, i.column) for i in issues if i.id == issue_id]


def test_validate__every_issue_has_texts_in_both_languages() -> None:
    for issue in VALIDATOR.validate(_patient(colour="red", gender="blue", birthDate="x")):
        for language in ("en", "fr"):
            assert "…" not in issue.text(language)
            assert issue.text(language) != issue.id
