"""The rules of `validation/rules/contained.py`: what keeps them, and what breaks them.

Source: FHIR R4 §2.3.0.5, https://hl7.org/fhir/R4/references.html#contained
"""

from typing import Any

from tests.validation.rules.conftest import Judge
from tests.validation.rules.definitions import observation, patient

PLACE = "Observation.contained"


def about(*contained: dict[str, Any]) -> dict[str, Any]:
    return observation(contained=list(contained), subject={"reference": "#a"})


def test_contained__each_has_an_id(judge: Judge) -> None:
    assert judge(about(patient(id="a", active=True))) == set()
    found = judge(about(patient(id="a", active=True), patient(active=True)))
    assert ("contained-id-missing", f"{PLACE}[1]") in found


def test_contained__no_two_have_the_same_id(judge: Judge) -> None:
    found = judge(about(patient(id="a", active=True), patient(id="a", active=False)))
    assert {("contained-id-twice", f"{PLACE}[{at}].id") for at in (0, 1)} <= found


def test_contained__one_that_nothing_refers_to_is_named(judge: Judge) -> None:
    found = judge(about(patient(id="a", active=True), patient(id="b", active=True)))
    assert found == {("invariant", f"{PLACE}[1]")}
