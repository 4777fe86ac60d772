"""The rules of `validation/rules/uris.py`: what keeps them, and what breaks them.

Source: FHIR R4 §2.24.0.1 uri, oid, uuid and canonical, https://hl7.org/fhir/R4/datatypes.html#uri, and
§2.3.0.2 canonical URLs, https://hl7.org/fhir/R4/references.html#canonical
"""

import pytest

from fhir_server.definitions import core_definitions
from fhir_server.validation import Validator
from tests.validation.rules.conftest import Judge
from tests.validation.rules.definitions import patient, questionnaire, response

_UUID = "7b1c2f3a-0d4e-4f5a-8b6c-9d0e1f2a3b4c"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("urn:oid:1.2.250.1", None),
        ("urn:oid:1.2.x", "uri-oid"),
        ("urn:oid:01.2", "uri-oid"),
        ("oid:1.2.250.1", "uri-urn-missing"),
        (f"uuid:{_UUID}", "uri-urn-missing"),
        (f"urn:uuid:{_UUID}", None),
        (f"urn:uuid:{_UUID}#part", None),
        ("urn:uuid:7b1c", "uri-uuid"),
        (f"urn:uuid:{_UUID.upper()}", "uri-uuid"),
        ("ftp://osteon.example/a", None),
    ],
)
def test_uris__uuid_and_oid_have_their_form(judge: Judge, text: str, expected: str | None) -> None:
    wanted = set() if expected is None else {(expected, "Patient.implicitRules")}
    assert judge(patient(implicitRules=text)) == wanted


def test_uris__canonical_reference_is_absolute(judge: Judge) -> None:
    relative = {**response(), "questionnaire": "Questionnaire/q"}
    place = "QuestionnaireResponse.questionnaire"
    assert ("uri-canonical-relative", place) in judge(relative, questionnaire())
    assert ("uri-canonical-relative", place) not in judge(response(), questionnaire())


def test_uris__placeholder_of_a_transaction_can_but_warn() -> None:
    entry = {
        "fullUrl": "urn:uuid:1", "resource": patient(), "request": {"method": "POST", "url": "Patient"},
    }  # fmt: skip
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": [entry]}
    validator = Validator(core_definitions())
    [found] = [issue for issue in validator.validate(bundle) if issue.id == "uri-uuid"]
    assert (found.severity, found.expression) == ("warning", "Bundle.entry[0].fullUrl")
    assert validator.accepts(bundle)
