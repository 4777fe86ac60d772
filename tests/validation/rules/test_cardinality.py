"""The rules of `validation/rules/cardinality.py`: what keeps them, and what breaks them.

Source: FHIR R4 ElementDefinition min and max, https://hl7.org/fhir/R4/conformance-rules.html#cardinality
"""

from tests.validation.rules.conftest import Judge
from tests.validation.rules.definitions import claiming, patient, profile

TWO_NAMES = profile("Patient", {"path": "Patient.name", "min": 1, "max": "2"})
NO_PHOTO = profile("Patient", {"path": "Patient.photo", "max": "0"})
NAMES = [{"family": "A"}, {"family": "B"}, {"family": "C"}]


def test_cardinality__required_element_is_there(judge: Judge) -> None:
    assert judge(patient(link=[{"type": "seealso"}])) == {("cardinality-min", "Patient.link[0]")}
    assert judge(patient(link=[{"type": "seealso", "other": {"reference": "Patient/1"}}])) == set()


def test_cardinality__profile_asks_for_an_element(judge: Judge) -> None:
    assert judge(claiming(patient()), TWO_NAMES) == {("cardinality-min", "Patient")}
    assert judge(claiming(patient(name=NAMES[:2])), TWO_NAMES) == set()


def test_cardinality__too_many_values(judge: Judge) -> None:
    found = judge(claiming(patient(name=NAMES)), TWO_NAMES)
    assert {issue_id for issue_id, _ in found} == {"cardinality-max"}


def test_cardinality__element_left_out_by_a_profile(judge: Judge) -> None:
    found = judge(claiming(patient(photo=[{"title": "x"}])), NO_PHOTO)
    assert {issue_id for issue_id, _ in found} == {"cardinality-forbidden"}
    assert judge(claiming(patient()), NO_PHOTO) == set()
