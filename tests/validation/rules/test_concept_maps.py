"""The rules of `validation/rules/concept_maps.py`: what keeps them, and what breaks them.

Source: FHIR R4 ConceptMap, https://hl7.org/fhir/R4/conceptmap.html
"""

from typing import Any

from tests.validation.rules.conftest import Judge
from tests.validation.rules.definitions import HEAD

GENDER = "http://hl7.org/fhir/administrative-gender"


def concept_map(code: str, mapped: str, **sides: str) -> dict[str, Any]:
    element = {"code": code, "target": [{"code": mapped, "equivalence": "equal"}]}
    return {"resourceType": "ConceptMap", **HEAD, "group": [{**sides, "element": [element]}]}


def test_concept_maps__source_codes_are_those_of_the_source(judge: Judge) -> None:
    assert judge(concept_map("male", "m", source=GENDER)) == set()
    assert judge(concept_map("blue", "m", source=GENDER)) == {
        ("coding-unknown-code", "ConceptMap.group[0].element[0].code")
    }


def test_concept_maps__target_codes_are_those_of_the_target(judge: Judge) -> None:
    assert judge(concept_map("m", "blue", target=GENDER)) == {
        ("coding-unknown-code", "ConceptMap.group[0].element[0].target[0].code")
    }
