"""The resources a data manager writes: each rule with a fault it finds."""

from typing import Any

import pytest

from fhir_server.definitions import core_definitions
from fhir_server.validation import Validator

VALIDATOR = Validator(core_definitions())
HEAD = {"url": "https://osteon.example/fhir/x", "name": "X", "status": "draft"}


def findings(resource: dict[str, Any]) -> set[tuple[str, str]]:
    return {(issue.id, issue.expression) for issue in VALIDATOR.validate(resource)}


def profile(*elements: dict[str, Any]) -> dict[str, Any]:
    return {
        "resourceType": "StructureDefinition", **HEAD, "kind": "resource", "abstract": False,
        "type": "Patient", "derivation": "constraint",
        "baseDefinition": "http://hl7.org/fhir/StructureDefinition/Patient",
        "differential": {"element": [{"id": one["path"], **one} for one in elements]},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("element", "issue_id", "part"),
    [
        ({"path": "Person.name"}, "element-path", ""),
        ({"path": "Patient.link", "min": 0, "max": "*", "type": [{"code": "string"}]},
         "type-not-in-base", ".type[0]"),
        ({"path": "Patient.gender", "max": "2"}, "maximum-above-base", ".max"),
        ({"path": "Patient.gender", "type": [{"code": "code"}], "fixedString": "x"}, "value-type", ".fixed"),
        ({"path": "Patient.contact", "type": [{"code": "BackboneElement"}],
          "binding": {"strength": "required"}}, "binding-type", ""),
        ({"path": "Patient.identifier",
          "slicing": {"rules": "open", "discriminator": [{"type": "value", "path": "colour"}]}},
         "discriminator-path", ".slicing.discriminator[0]"),
        ({"path": "Patient.name", "constraint": [
            {"key": "x-1", "severity": "error", "human": "x", "expression": "given.exists("}]},
         "constraint-expression", ".constraint[0].expression"),
    ],
)  # fmt: skip
def test_structure_definition__finds(element: dict[str, Any], issue_id: str, part: str) -> None:
    found = findings(profile(element))
    assert (issue_id, f"StructureDefinition.differential.element[0]{part}") in found


def test_structure_definition__without_a_snapshot_is_an_error() -> None:
    assert ("profile-unknown-element", "StructureDefinition") in findings(
        profile({"path": "Patient.colour"})
    )


def test_value_set__lists_codes_that_there_are() -> None:
    system = "http://hl7.org/fhir/administrative-gender"
    include = {"system": system, "concept": [{"code": "male"}, {"code": "blue"}]}
    found = findings({"resourceType": "ValueSet", **HEAD, "compose": {"include": [include]}})
    assert ("coding-unknown-code", "ValueSet.compose.include[0].concept[1].code") in found


def test_code_system__declares_its_properties() -> None:
    concept = {"code": "a", "property": [{"code": "colour", "valueString": "red"}]}
    found = findings({
        "resourceType": "CodeSystem", **HEAD, "content": "complete", "count": 2, "concept": [concept],
    })  # fmt: skip
    assert ("code-system-property", "CodeSystem.concept[0].property[0].code") in found
    assert ("code-system-count", "CodeSystem.count") in found


def test_concept_map__warns_of_unknown_codes() -> None:
    element = {"code": "blue", "target": [{"code": "x", "equivalence": "equal"}]}
    group = {"source": "http://hl7.org/fhir/administrative-gender", "element": [element]}
    found = findings({"resourceType": "ConceptMap", **HEAD, "group": [group]})
    assert ("coding-unknown-code", "ConceptMap.group[0].element[0].code") in found


def test_search_parameter__expression_compiles() -> None:
    found = findings({
        "resourceType": "SearchParameter", **HEAD, "description": "x", "code": "x", "base": ["Patient"],
        "type": "string", "expression": "Patient.name.where(",
    })  # fmt: skip
    assert ("search-parameter-expression", "SearchParameter.expression") in found


def test_narrative__links_lead_somewhere() -> None:
    div = '<div xmlns="http://www.w3.org/1999/xhtml"><a href="#a">A</a> <a id="b" href="#b">B</a></div>'
    patient = {"resourceType": "Patient", "text": {"status": "generated", "div": div}}
    assert [
        issue.parameters["link"]
        for issue in VALIDATOR.validate(patient)
        if issue.id == "narrative-link"
    ] == ["#a"]


def test_profile__claimed_by_a_carried_resource_is_a_warning() -> None:
    patient = {
        "resourceType": "Patient",
        "meta": {"profile": ["https://osteon.example/fhir/StructureDefinition/unknown"]},
    }
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": patient}]}
    assert VALIDATOR.accepts(bundle)
    assert not VALIDATOR.accepts(patient)
