"""The rules of `validation/rules/search_parameters.py`: what keeps them, and what breaks them.

Source: FHIR R4 SearchParameter, https://hl7.org/fhir/R4/searchparameter.html
"""

from typing import Any

import pytest

from tests.validation.rules.conftest import Judge
from tests.validation.rules.definitions import HEAD

ORIGIN = "http://hl7.org/fhir/SearchParameter/individual-family"


def search_parameter(**members: Any) -> dict[str, Any]:
    return {
        "resourceType": "SearchParameter", **HEAD, "description": "x", "code": "x", "base": ["Patient"],
        "type": "string", "expression": "Patient.name", **members,
    }  # fmt: skip


COMPONENTS = [
    {"definition": "http://hl7.org/fhir/SearchParameter/individual-family", "expression": "family"},
    {"definition": "http://hl7.org/fhir/SearchParameter/individual-given", "expression": "given"},
]


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ({}, None),
        ({"expression": "Patient.name.where("}, ("search-parameter-expression", ".expression")),
        ({"type": "reference", "expression": "Patient.link.other", "target": ["Patient"]}, None),
        ({"type": "reference", "expression": "Patient.link.other"}, ("search-parameter-target", "")),
        ({"target": ["Patient"]}, ("search-parameter-no-target", ".target[0]")),
        ({"type": "composite", "component": COMPONENTS}, None),
        ({"type": "composite"}, ("search-parameter-component", "")),
        ({"component": COMPONENTS}, ("search-parameter-component", "")),
        ({"modifier": ["exact", "missing"]}, None),
        ({"modifier": ["below"]}, ("search-parameter-modifier", ".modifier[0]")),
        ({"type": "date", "expression": "Patient.birthDate", "comparator": ["lt"]}, None),
        ({"comparator": ["lt"]}, ("search-parameter-comparator", ".comparator[0]")),
        ({"derivedFrom": ORIGIN}, None),
        ({"derivedFrom": ORIGIN, "type": "token"}, ("search-parameter-origin", ".type")),
        ({"derivedFrom": ORIGIN, "base": ["Group"], "expression": "Group.name"},
         ("search-parameter-origin", ".base[0]")),
    ],
)  # fmt: skip
def test_search_parameters__add_up(
    judge: Judge, members: dict[str, Any], expected: tuple[str, str] | None
) -> None:
    found = judge(search_parameter(**members))
    root = "SearchParameter"
    assert found == (set() if expected is None else {(expected[0], root + expected[1])})
