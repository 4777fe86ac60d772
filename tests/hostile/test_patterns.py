"""Regular expressions that explode: in FHIRPath, in a profile, in a Questionnaire, in a value set."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.hostile.bounded import osteon, validated
from tests.hostile.profiles import claiming, constraint, profile

BOMB = "^(([a-z])+.)+[A-Z]([a-z])+$"
FUSE = "a" * 3_000
"""The engine remembers where it failed, so that the time is cubic: minutes for this length."""


def test_fhirpath__bomb_in_matches_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "p.json"
    file.write_text(json.dumps({"resourceType": "Patient", "name": [{"family": FUSE}]}))
    ended = osteon("fhirpath", f"name.family.matches('{BOMB}')", file)
    assert ended.code == 1
    assert "regular expression" in ended.err


@pytest.mark.parametrize("count", [1, 2_000])
def test_profile__bomb_in_an_invariant_is_not_checked_and_said_so(
    tmp_path: Path, count: int
) -> None:
    bomb = profile("bomb", {"id": "Patient.name", "path": "Patient.name",
                            "constraint": constraint(f"family.matches('{BOMB}')")["constraint"]})  # fmt: skip
    patient = claiming("bomb", name=[{"family": f"{FUSE}{n}"} for n in range(count)])
    ended = validated(tmp_path, json.dumps(patient), bomb)
    assert "invariant-not-checked" in {issue["id"] for issue in ended.issues}


def test_profile__bomb_in_the_regex_extension_of_a_type(tmp_path: Path) -> None:
    regex = {"url": "http://hl7.org/fhir/StructureDefinition/regex", "valueString": BOMB}
    element = {"id": "Patient.name.family", "path": "Patient.name.family",
               "type": [{"code": "string", "extension": [regex]}]}  # fmt: skip
    patient = claiming("bomb", name=[{"family": FUSE}] * 100)
    validated(tmp_path, json.dumps(patient), profile("bomb", element))


def test_questionnaire__bomb_in_the_pattern_of_a_question(tmp_path: Path) -> None:
    regex = {"url": "http://hl7.org/fhir/StructureDefinition/regex", "valueString": BOMB}
    questionnaire = {
        "resourceType": "Questionnaire", "id": "q", "status": "draft",
        "item": [{"linkId": "1", "type": "string", "repeats": True, "extension": [regex]}],
    }  # fmt: skip
    response = {
        "resourceType": "QuestionnaireResponse", "contained": [questionnaire], "questionnaire": "#q",
        "status": "completed",
        "item": [{"linkId": "1", "answer": [{"valueString": f"{FUSE}{n}"} for n in range(200)]}],
    }  # fmt: skip
    ended = validated(tmp_path, json.dumps(response))
    found = [issue for issue in ended.issues if issue["id"] == "questionnaire-pattern-not-checked"]
    assert len(found) == 200
    assert {issue["severity"] for issue in found} == {"warning"}


def test_value_set__bomb_in_a_filter(tmp_path: Path) -> None:
    system: dict[str, Any] = {
        "resourceType": "CodeSystem", "url": "http://example.org/cs", "status": "draft",
        "content": "complete", "concept": [{"code": f"{FUSE}{n}"} for n in range(500)],
    }  # fmt: skip
    value_set = {
        "resourceType": "ValueSet", "url": "http://example.org/vs", "status": "draft",
        "compose": {"include": [{"system": "http://example.org/cs",
                                 "filter": [{"property": "code", "op": "regex", "value": BOMB}]}]},
    }  # fmt: skip
    bound = profile("bound", {"id": "Patient.maritalStatus", "path": "Patient.maritalStatus",
                    "binding": {"strength": "required", "valueSet": "http://example.org/vs"}})  # fmt: skip
    coding = {"system": "http://example.org/cs", "code": f"{FUSE}1"}
    patient = claiming("bound", maritalStatus={"coding": [coding]})
    validated(tmp_path, json.dumps(patient), bound, system, value_set)
