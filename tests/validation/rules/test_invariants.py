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


def test_invariants__empty_answer_breaks_nothing(judge: Judge) -> None:
    assert judge(claiming(patient()), ruled("name.family = 'A'")) == set()


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
