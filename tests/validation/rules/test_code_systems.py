"""The rules of `validation/rules/code_systems.py`: what keeps them, and what breaks them.

Source: FHIR R4 CodeSystem, https://hl7.org/fhir/R4/codesystem.html
"""

from typing import Any

from tests.validation.rules.conftest import Judge
from tests.validation.rules.definitions import HEAD

A, B = {"code": "a"}, {"code": "b"}


def code_system(*concepts: dict[str, Any], **members: Any) -> dict[str, Any]:
    return {
        "resourceType": "CodeSystem", **HEAD, "content": "complete", "caseSensitive": True,
        "concept": list(concepts), **members,
    }  # fmt: skip


def test_code_systems__count_is_that_of_all_concepts(judge: Judge) -> None:
    assert judge(code_system({**A, "concept": [B]}, count=2)) == set()
    assert judge(code_system({**A, "concept": [B]}, count=1)) == {
        ("code-system-count", "CodeSystem.count")
    }


def test_code_systems__supplement_names_what_it_supplements(judge: Judge) -> None:
    supplements = "http://hl7.org/fhir/administrative-gender"
    assert judge(code_system(A, content="supplement", supplements=supplements)) == set()
    assert judge(code_system(A, content="supplement")) == {("code-system-supplement", "CodeSystem")}


def test_code_systems__properties_are_declared(judge: Judge) -> None:
    concept = {**A, "property": [{"code": "colour", "valueString": "red"}]}
    declared = [{"code": "colour", "type": "string"}]
    assert judge(code_system(concept, property=declared)) == set()
    assert judge(code_system(concept)) == {
        ("code-system-property", "CodeSystem.concept[0].property[0].code")
    }


def test_code_systems__properties_have_the_declared_type(judge: Judge) -> None:
    concept = {**A, "property": [{"code": "colour", "valueString": "red"}]}
    found = judge(code_system(concept, property=[{"code": "colour", "type": "integer"}]))
    assert found == {("code-system-property-type", "CodeSystem.concept[0].property[0]")}


def test_code_systems__parents_are_concepts_of_the_system(judge: Judge) -> None:
    declared = [{"code": "parent", "type": "code"}]
    child = {**A, "property": [{"code": "parent", "valueCode": "b"}]}
    assert judge(code_system(child, B, property=declared)) == set()
    assert judge(code_system(child, property=declared)) == {
        ("code-system-property-code", "CodeSystem.concept[0].property[0].value")
    }
