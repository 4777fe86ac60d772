"""The rules of `validation/rules/identifiers.py`: what keeps them, and what breaks them.

Source: FHIR R4 Identifier, https://hl7.org/fhir/R4/datatypes.html#Identifier
"""

import pytest

from tests.validation.rules.conftest import Judge
from tests.validation.rules.definitions import patient


@pytest.mark.parametrize(
    ("identifier", "expected"),
    [
        ({"system": "2.16.840", "value": "1"}, "identifier-system-relative"),
        ({"system": "urn:ietf:rfc:3986", "value": "abc"}, "identifier-no-uri"),
        ({"system": "urn:ietf:rfc:3986", "value": "1.2.250"}, "identifier-no-uri"),
        ({"system": "urn:ietf:rfc:3986", "value": "urn:oid:1.2.250"}, None),
        ({"system": "https://osteon.example/ids", "value": "abc"}, None),
    ],
)
def test_identifiers__system_and_uri_value_are_absolute(
    judge: Judge, identifier: dict[str, str], expected: str | None
) -> None:
    wanted = set() if expected is None else {(expected, "Patient.identifier[0]")}
    assert judge(patient(identifier=[identifier])) == wanted
