"""The rules of `validation/rules/quantities.py`: what keeps them, and what breaks them.

Source: FHIR R4 Quantity, https://hl7.org/fhir/R4/datatypes.html#Quantity, and
https://hl7.org/fhir/R4/ucum.html
"""

from typing import Any

import pytest

from fhir_server.definitions import core_definitions
from fhir_server.validation import Validator
from fhir_server.validation.strictness import Strictness
from tests.validation.rules.conftest import Judge
from tests.validation.rules.definitions import CORE, claiming, observation, profile

UCUM = "http://unitsofmeasure.org"
PLACE = "Observation.value.ofType(Quantity)"


def measured(code: str, system: str = UCUM, **members: Any) -> dict[str, Any]:
    quantity = {"value": 1, "unit": "x", "system": system, "code": code}
    return observation(valueQuantity=quantity, **members)


@pytest.mark.parametrize(
    "code", ["mg", "mm[Hg]", "10*9/L", "%", "{score}", "mg/{clock time}", "1", "/d"]
)
def test_quantities__unit_of_ucum(judge: Judge, code: str) -> None:
    assert judge(measured(code)) == set()


@pytest.mark.parametrize("code", ["tablet", "mm Hg", "IU", "mg//L", "(mg", "µg", "{a}b"])
def test_quantities__what_ucum_does_not_parse_is_an_error(judge: Judge, code: str) -> None:
    assert judge(measured(code)) == {("quantity-unit", f"{PLACE}.code")}


def test_quantities__wrong_unit_is_a_warning_where_those_who_validate_want_it() -> None:
    validator = Validator(core_definitions(), strictness=Strictness(units="warning"))
    found = [one for one in validator.validate(measured("tablet")) if one.id == "quantity-unit"]
    assert [one.severity for one in found] == ["warning"]
    assert validator.accepts(measured("tablet"))


def test_quantities__of_another_type_are_judged_too(judge: Judge) -> None:
    duration = {"value": 1, "system": UCUM, "code": "days"}
    encounter = {"resourceType": "Encounter", "status": "finished", "length": duration}  # fmt: skip
    assert ("quantity-unit", "Encounter.length.code") in judge(encounter)


def test_quantities__unit_of_a_system_that_is_not_loaded_passes(judge: Judge) -> None:
    assert judge(measured("tbl", "urn:oid:1.2.3")) == set()


def test_quantities__range_and_ratio_are_judged_by_their_parts(judge: Judge) -> None:
    limit = {"value": 1, "system": UCUM, "code": "units"}
    assert judge(observation(valueRange={"low": limit})) == {
        ("quantity-unit", "Observation.value.ofType(Range).low.code")
    }


@pytest.mark.parametrize(("code", "is_unit"), [("mg", True), ("milligram", False)])
def test_quantities__code_bound_to_all_units_of_ucum(
    judge: Judge, code: str, is_unit: bool
) -> None:
    units = {"strength": "required", "valueSet": "http://hl7.org/fhir/ValueSet/ucum-units"}
    bound = profile("Observation", {"path": "Observation.method", "binding": units})
    given = observation(method={"coding": [{"system": UCUM, "code": code}]})
    found = {issue_id for issue_id, _ in judge(claiming(given), bound)}
    assert ("binding-required" in found) is not is_unit
    assert ("coding-unknown-code" in found) is not is_unit


def test_quantities__value_set_of_all_of_ucum_takes_what_parses(judge: Judge) -> None:
    url = f"{CORE}/all-units".replace("StructureDefinition", "ValueSet")
    all_units = {"resourceType": "ValueSet", "url": url, "status": "active",
                 "compose": {"include": [{"system": UCUM}]}}  # fmt: skip
    bound = profile("Observation", {
        "path": "Observation.value[x]", "type": [{"code": "Quantity"}],
        "binding": {"strength": "required", "valueSet": url},
    })  # fmt: skip
    assert judge(claiming(measured("mg/kg")), bound, all_units) == set()
    assert ("binding-required", PLACE) in judge(claiming(measured("mgkg")), bound, all_units)
