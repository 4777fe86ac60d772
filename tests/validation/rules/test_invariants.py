"""The rules of `validation/rules/invariants.py`: what keeps them, and what breaks them.

Source: FHIR R4 ElementDefinition.constraint, https://hl7.org/fhir/R4/conformance-rules.html#constraints
"""

from typing import Any

from tests.validation.rules.conftest import Judge
from tests.validation.rules.definitions import claiming, patient, profile, url


def ruled(expression: str, **members: Any) -> dict[str, Any]:
    constraint = {
        "key": "x-1", "severity": "error", "human": "A name is needed.", "expression": expression,
        **members,
    }  # fmt: skip
    return profile("Patient", {"path": "Patient", "constraint": [constraint]})


def test_invariants__of_the_core_definitions(judge: Judge) -> None:
    assert judge(patient(contact=[{"gender": "male"}])) == {("invariant", "Patient.contact[0]")}
    assert judge(patient(contact=[{"name": {"family": "A"}}])) == set()


def test_invariants__of_a_profile(judge: Judge) -> None:
    named = ruled("name.exists()")
    assert judge(claiming(patient(name=[{"family": "A"}])), named) == set()
    assert judge(claiming(patient()), named) == {("invariant", "Patient")}


def test_invariants__severity_warning(judge: Judge) -> None:
    advice = ruled("name.exists()", severity="warning")
    assert judge(claiming(patient()), advice) == {("invariant-warning", "Patient")}


def test_invariants__best_practice_is_a_warning(judge: Judge) -> None:
    practice = "http://hl7.org/fhir/StructureDefinition/elementdefinition-bestpractice"
    advice = ruled("name.exists()", extension=[{"url": practice, "valueBoolean": True}])
    assert judge(claiming(patient()), advice) == {("invariant-warning", "Patient")}


def test_invariants__empty_answer_keeps_no_rule(judge: Judge) -> None:
    assert judge(claiming(patient()), ruled("name.family = 'A'")) == {("invariant", "Patient")}
    noon = {"start": "2020-01-01", "end": "2020-01-01T12:00:00Z"}
    assert judge(patient(identifier=[{"value": "1", "period": noon}])) == {
        ("invariant", "Patient.identifier[0].period")
    }


def test_invariants__published_ones_with_nothing_to_say_hold(judge: Judge) -> None:
    posted = {"resource": patient(), "request": {"method": "POST", "url": "Patient"}}
    assert judge({"resourceType": "Bundle", "type": "transaction", "entry": [posted]}) == set()
    likely = {"outcome": {"text": "relapse"}}
    risk = {
        "resourceType": "RiskAssessment", "status": "final", "subject": {"display": "someone"},
        "prediction": [likely],
    }  # fmt: skip
    assert judge(risk) == set()
    assert judge({**risk, "prediction": [{**likely, "probabilityDecimal": 101}]}) == {
        ("invariant", "RiskAssessment.prediction[0]")
    }


def test_invariants__contained_resource_refers_to_its_container(judge: Judge) -> None:
    inner = {
        "resourceType": "Account", "id": "a", "status": "active", "subject": [{"reference": "#"}],
    }  # fmt: skip
    assert judge(patient(contained=[inner])) == set()


def test_invariants__more_than_one_condition_needs_its_behaviour(judge: Judge) -> None:
    def asked(**members: Any) -> dict[str, Any]:
        condition = {"question": "1", "operator": "exists", "answerBoolean": True}
        last = {"linkId": "2", "type": "string", "enableWhen": [condition, condition], **members}
        return {
            "resourceType": "Questionnaire", "status": "draft",
            "item": [{"linkId": "1", "type": "string"}, last],
        }  # fmt: skip

    assert judge(asked(enableBehavior="any")) == set()
    assert judge(asked()) == {("invariant", "Questionnaire.item[1]")}


def test_invariants__unreadable_expression_is_said_not_to_be_checked(judge: Judge) -> None:
    assert judge(claiming(patient()), ruled("name.exists(")) == {
        ("invariant-not-checked", "Patient")
    }


def test_invariants__conforms_to_a_profile_even_in_a_circle(judge: Judge) -> None:
    named = {**ruled("name.exists()"), "url": url("named")}
    both = ruled(f"conformsTo('{url('named')}')")
    assert judge(claiming(patient(name=[{"family": "A"}])), named, both) == set()
    assert judge(claiming(patient()), named, both) == {("invariant", "Patient")}
    itself = ruled(f"conformsTo('{url('p')}') and contact.all(conformsTo('{url('p')}').not())")
    assert judge(claiming(patient()), itself) == set()
