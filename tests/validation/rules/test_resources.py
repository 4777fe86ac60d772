"""The rules of `validation/rules/resources.py`: what keeps them, and what breaks them.

Source: FHIR R4 §2.1.0, each resource page, https://hl7.org/fhir/R4/resourcelist.html
"""

from typing import Any

import pytest

from fhir_server.validation.rules.resources import RESOURCE_RULES
from tests.validation.rules.conftest import Judge
from tests.validation.rules.definitions import HEAD, bundle, patient, profile, response

BROKEN = {
    "Bundle": (bundle("searchset", patient()), "bundle-search-no-id"),
    "CodeSystem": (
        {"resourceType": "CodeSystem", **HEAD, "content": "supplement"}, "code-system-supplement"),
    "ConceptMap": (
        {"resourceType": "ConceptMap", **HEAD, "group": [
            {"source": "http://hl7.org/fhir/administrative-gender", "element": [{"code": "blue"}]}]},
        "coding-unknown-code"),
    "Questionnaire": (
        {"resourceType": "Questionnaire", "status": "draft", "item": [
            {"linkId": "1", "type": "string", "enableWhen": [
                {"question": "1", "operator": "exists", "answerBoolean": True}]}]},
        "questionnaire-condition"),
    "QuestionnaireResponse": (response(), "questionnaire-not-checked"),
    "SearchParameter": (
        {"resourceType": "SearchParameter", **HEAD, "description": "x", "code": "x", "base": ["Patient"],
         "type": "string", "target": ["Patient"], "expression": "Patient.name"},
        "search-parameter-no-target"),
    "StructureDefinition": (profile("Patient", {"path": "Person.name"}), "element-path"),
    "ValueSet": (
        {"resourceType": "ValueSet", **HEAD, "compose": {"include": [{"valueSet": [HEAD["url"]]}]}},
        "value-set-imports-itself"),
}  # fmt: skip


SHAPES = {
    "Bundle": bundle("document", link=[]),
    "CodeSystem": {"resourceType": "CodeSystem", "property": [], "concept": [{}], "count": 1},
    "ConceptMap": {"resourceType": "ConceptMap", "group": [{}]},
    "Questionnaire": {"resourceType": "Questionnaire", "item": [{}]},
    "QuestionnaireResponse": {"resourceType": "QuestionnaireResponse", "questionnaire": "", "item": []},
    "SearchParameter": {
        "resourceType": "SearchParameter", "base": [], "target": [], "modifier": [], "comparator": [],
        "component": [], "derivedFrom": "", "expression": ""},
    "StructureDefinition": {
        "resourceType": "StructureDefinition", "differential": {}, "type": "", "baseDefinition": "",
        "url": ""},
    "ValueSet": {"resourceType": "ValueSet", "compose": {}, "url": ""},
}  # fmt: skip
"""The members that each rule reads."""


@pytest.mark.parametrize("kind", sorted(RESOURCE_RULES))
def test_resources__rule_of_a_type_is_asked(judge: Judge, kind: str) -> None:
    resource, expected = BROKEN[kind]
    assert expected in {issue_id for issue_id, _ in judge(resource)}


@pytest.mark.parametrize("kind", sorted(RESOURCE_RULES))
@pytest.mark.parametrize("value", [3, "x", [3], {"x": 3}])
def test_resources__rule_of_a_type_bears_any_shape(judge: Judge, kind: str, value: Any) -> None:
    whole = {**SHAPES[kind]}
    for name in whole.keys() - {"resourceType"}:
        assert judge({**whole, name: value})
