"""The rules of `validation/rules/primitives.py`: what keeps them, and what breaks them.

Source: FHIR R4 §2.24.0.1, https://hl7.org/fhir/R4/datatypes.html#primitive, and ElementDefinition
maxLength
"""

from decimal import Decimal
from typing import Any

import pytest

from tests.validation.rules.conftest import Judge
from tests.validation.rules.definitions import CORE, claiming, observation, patient, profile

PLACE = "Patient.birthDate"
MIN_LENGTH = {"url": f"{CORE}/minLength", "valueInteger": 3}
MUST_HAVE_VALUE = {
    "url": "http://hl7.org/fhir/5.0/StructureDefinition/extension-ElementDefinition.mustHaveValue",
    "valueBoolean": True,
}
LENGTHS = profile(
    "Patient", {"path": "Patient.language", "maxLength": 5, "extension": [MIN_LENGTH]}
)
VALUED = profile("Patient", {"path": PLACE, "extension": [MUST_HAVE_VALUE]})
BOUNDS = profile("Observation", {
    "path": "Observation.value[x]", "type": [{"code": "integer"}],
    "minValueInteger": 0, "maxValueInteger": 10,
})  # fmt: skip


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2020-02-29", None),
        ("2020", None),
        ("2020-02-30", "primitive-form"),
        (2020, "primitive-json-type"),
        ("", "primitive-empty"),
    ],
)
def test_primitives__form_of_a_date(judge: Judge, value: Any, expected: str | None) -> None:
    assert judge(patient(birthDate=value)) == (set() if expected is None else {(expected, PLACE)})


@pytest.mark.parametrize(
    ("members", "issue_id", "place"),
    [
        ({"active": "true"}, "primitive-json-type", "Patient.active"),
        ({"active": "yes"}, "primitive-form", "Patient.active"),
        ({"multipleBirthInteger": Decimal("1.0")}, "primitive-form",
         "Patient.multipleBirth.ofType(integer)"),
        ({"multipleBirthInteger": "1"}, "primitive-json-type",
         "Patient.multipleBirth.ofType(integer)"),
        ({"id": "a b"}, "primitive-form", "Patient.id"),
        ({"photo": [{"data": "A=B"}]}, "primitive-form", "Patient.photo[0].data"),
        ({"implicitRules": " "}, "primitive-form", "Patient.implicitRules"),
    ],
)  # fmt: skip
def test_primitives__form_of_other_types(
    judge: Judge, members: dict[str, Any], issue_id: str, place: str
) -> None:
    assert (issue_id, place) in judge(patient(**members))


def test_primitives__white_space_alone_is_a_warning(judge: Judge) -> None:
    assert ("primitive-blank", "Patient.name[0].family") in judge(patient(name=[{"family": "  "}]))


def test_primitives__length(judge: Judge) -> None:
    assert judge(claiming(patient(language="fr-FR")), LENGTHS) == set()
    assert ("primitive-too-long", "Patient.language") in judge(
        claiming(patient(language="fr-CH-x")), LENGTHS
    )
    assert ("primitive-too-short", "Patient.language") in judge(
        claiming(patient(language="fr")), LENGTHS
    )


@pytest.mark.parametrize(
    ("value", "expected"),
    [(0, None), (10, None), (-1, "primitive-below-minimum"), (11, "primitive-above-maximum")],
)
def test_primitives__bounds(judge: Judge, value: int, expected: str | None) -> None:
    found = judge(claiming(observation(valueInteger=value)), BOUNDS)
    assert {issue_id for issue_id, _ in found} == ({expected} if expected else set())


def test_primitives__value_that_extensions_cannot_replace(judge: Judge) -> None:
    absent = {"extension": [{"url": f"{CORE}/data-absent-reason", "valueCode": "unknown"}]}
    assert judge(claiming(patient(birthDate="2020", _birthDate=absent)), VALUED) == set()
    assert judge(claiming(patient(_birthDate=absent)), VALUED) == {
        ("primitive-value-missing", PLACE)
    }
