"""The validator's promises to those who call it."""

from decimal import Decimal
from typing import Any

import pytest

from fhir_server.definitions import core_definitions
from fhir_server.model.issues import Issue
from fhir_server.model.json_source import JsonPositions
from fhir_server.model.locations import with_positions
from fhir_server.validation import Validator
from fhir_server.validation.doubts import ObjectDoubts
from fhir_server.validation.inspector import Inspector
from fhir_server.validation.validator import MAX_DEPTH

VALIDATOR = Validator(core_definitions())


def _errors(resource: Any) -> list[tuple[str, str]]:
    issues = VALIDATOR.validate(resource)
    assert VALIDATOR.accepts(resource) is all(i.severity != "error" for i in issues)
    return [(i.id, i.expression) for i in issues if i.severity == "error"]


def _patient(**members: Any) -> dict[str, Any]:
    return {"resourceType": "Patient", **members}


@pytest.mark.parametrize("value", [None, 1, "x", [], {}, {"resourceType": 1}, {"resourceType": "Nothing"},
                                   {"resourceType": "Resource"}])  # fmt: skip
def test_validate__what_is_no_resource_is_an_issue(value: Any) -> None:
    assert _errors(value)


def test_validate__resources_nest_so_deep_and_no_deeper() -> None:
    nested = _patient()
    for _ in range(MAX_DEPTH + 2):
        inner = {"name": "inner", "resource": nested}
        nested = {"resourceType": "Parameters", "parameter": [inner]}
    assert [issue_id for issue_id, _ in _errors(nested)] == ["nesting-too-deep"]


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


def test_validate__resources_within_resources_are_judged_once_for_each_profile() -> None:
    profile = "http://hl7.org/fhir/StructureDefinition/Parameters"
    claims = {"profile": [profile, f"{profile}|4.0.1"]}
    resource: dict[str, Any] = {"resourceType": "Patient", "gender": "blue"}
    for _ in range(25):
        inner = {"name": "inner", "resource": resource}
        resource = {"resourceType": "Parameters", "meta": claims, "parameter": [inner]}
    place = "Parameters" + ".parameter[0].resource" * 25
    assert _errors(resource) == [("binding-required", f"{place}.gender")]


@pytest.mark.parametrize(
    "resource",
    [
        {"resourceType": "Bundle", "type": {}},
        {"resourceType": "Questionnaire", "status": "draft", "item": [{"linkId": {}, "type": "string"}]},
        {"resourceType": "Questionnaire", "status": "draft",
         "item": [{"linkId": "1", "type": "string", "enableWhen": 1}]},
    ],
)  # fmt: skip
def test_validate__json_of_another_shape_is_an_issue(resource: dict[str, Any]) -> None:
    assert _errors(resource)


def test_validate__extension_within_an_extension_stands_in_no_other_place() -> None:
    country = {"url": "http://hl7.org/fhir/StructureDefinition/patient-birthPlace",
               "valueAddress": {"country": "FR"}}  # fmt: skip
    wrapped = {"url": "https://example.org/wrapping", "extension": [country]}
    assert _errors(_patient(extension=[country])) == []
    assert _errors(_patient(extension=[wrapped])) == [("extension-context", "Patient.extension[0]")]


def test_validate__fault_of_ours_is_not_blamed_on_the_profile(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    profile = "http://hl7.org/fhir/StructureDefinition/bodyweight"
    walk = Inspector.resource

    def fail(self: Inspector, value: dict[str, Any], doubts: ObjectDoubts, location: str) -> None:
        if doubts.content.profile == profile:
            raise KeyError("a bug")
        walk(self, value, doubts, location)

    monkeypatch.setattr(Inspector, "resource", fail)
    issues = VALIDATOR.validate({"resourceType": "Observation", "meta": {"profile": [profile]}})
    assert [i.profile for i in issues if i.id == "profile-fault-of-ours"] == [profile]
    assert "profile-broken" not in {i.id for i in issues}
