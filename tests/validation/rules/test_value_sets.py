"""The rules of `validation/rules/value_sets.py`: what keeps them, and what breaks them.

Source: FHIR R4 ValueSet.compose, https://hl7.org/fhir/R4/valueset.html#compositions
"""

from typing import Any

import pytest

from tests.validation.rules.conftest import Judge
from tests.validation.rules.definitions import HEAD

GENDER = "http://hl7.org/fhir/administrative-gender"
PLACE = "ValueSet.compose.include[0]"


def value_set(**include: Any) -> dict[str, Any]:
    return {"resourceType": "ValueSet", **HEAD, "compose": {"include": [include]}}


@pytest.mark.parametrize(
    ("include", "expected"),
    [
        ({"system": GENDER, "concept": [{"code": "male", "display": "Male"}]}, None),
        ({"system": GENDER, "concept": [{"code": "male"}, {"code": "blue"}]},
         ("coding-unknown-code", ".concept[1].code")),
        ({"system": GENDER, "concept": [{"code": "male", "display": "Bone"}]},
         ("coding-display", ".concept[0].display")),
        ({"system": "gender"}, ("coding-system-relative", ".system")),
        ({"system": "http://hl7.org/fhir/ValueSet/observation-codes"},
         ("coding-system-is-value-set", ".system")),
        ({"valueSet": [HEAD["url"]]}, ("value-set-imports-itself", ".valueSet[0]")),
        ({"system": GENDER, "filter": [{"property": "concept", "op": "is-a", "value": "male"}]}, None),
        ({"system": GENDER, "filter": [{"property": "colour", "op": "=", "value": "red"}]},
         ("value-set-filter", ".filter[0].property")),
    ],
)  # fmt: skip
def test_value_sets__include_what_there_is(
    judge: Judge, include: dict[str, Any], expected: tuple[str, str] | None
) -> None:
    found = judge(value_set(**include))
    assert found == (set() if expected is None else {(expected[0], PLACE + expected[1])})
