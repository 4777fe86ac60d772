"""The rules of `validation/rules/vital_signs.py`: what keeps them, and what breaks them.

Source: FHIR R4 vital signs, https://hl7.org/fhir/R4/observation-vitalsigns.html
"""

from typing import Any

from tests.validation.rules.conftest import Judge
from tests.validation.rules.definitions import CORE, bundle, observation

LOINC = "http://loinc.org"
CATEGORY = {
    "system": "http://terminology.hl7.org/CodeSystem/observation-category",
    "code": "vital-signs",
}


def weight(code: str = "29463-7", system: str = LOINC, **members: Any) -> dict[str, Any]:
    return observation(
        code={"coding": [{"system": "urn:oid:1.2.3.4", "code": "w"}, {"system": system, "code": code}]},
        category=[{"coding": [CATEGORY]}], subject={"display": "someone"},
        effectiveDateTime="2020-01-01",
        valueQuantity={"value": 62, "unit": "kg", "system": "http://unitsofmeasure.org", "code": "kg"},
        **members,
    )  # fmt: skip


def without(resource: dict[str, Any], member: str) -> dict[str, Any]:
    return {key: value for key, value in resource.items() if key != member}


def errors(judge: Judge, resource: dict[str, Any]) -> set[tuple[str, str]]:
    return {found for found in judge(resource) if found[0] != "coding-not-checked"}


def test_vital_signs__profile_asked_by_code(judge: Judge) -> None:
    assert errors(judge, weight()) == set()
    assert errors(judge, without(weight(), "subject")) == {("cardinality-min", "Observation")}
    in_bundle = bundle("collection", without(weight(), "effectiveDateTime"))
    assert errors(judge, in_bundle) == {
        ("cardinality-min", "Bundle.entry[0].resource")
    }  # fmt: skip


def test_vital_signs__only_by_codes_of_loinc(judge: Judge) -> None:
    assert errors(judge, without(weight(system="urn:oid:1.2.3.5"), "subject")) == set()
    assert errors(judge, without(weight(code="3141-9"), "subject")) == set()


def test_vital_signs__said_once_where_claimed(judge: Judge) -> None:
    claimed = without(weight(meta={"profile": [f"{CORE}/bodyweight"]}), "subject")
    assert errors(judge, claimed) == {("cardinality-min", "Observation")}


def test_vital_signs__moment_known_to_the_day_where_it_is_one(judge: Judge) -> None:
    timed = without(weight(), "effectiveDateTime")
    month, span = {"effectiveDateTime": "2020-01"}, {"effectivePeriod": {"start": "2020"}}
    assert {found for found, _ in errors(judge, {**timed, **month})} == {"invariant"}
    assert errors(judge, {**timed, **span}) == set()


def test_vital_signs__units_of_components_are_advised(judge: Judge) -> None:
    flow = {"value": 2, "system": "http://unitsofmeasure.org", "code": "L/min"}
    given = weight(component=[{"code": {"text": "oxygen flow"}, "valueQuantity": flow}])
    assert {found for found, _ in errors(judge, given)} >= {"binding-extensible"}
    assert "binding-required" not in {found for found, _ in errors(judge, given)}
