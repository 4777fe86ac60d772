"""Supplements in the operations: what they add to the concepts of another code system.

Source: https://hl7.org/fhir/R4/codesystem.html#supplements
"""

from typing import Any

import pytest

from fhir_server.model.issues import Refused
from fhir_server.terminology import Terminology
from fhir_server.terminology.operations import expand, lookup, validate_code
from tests.terminology.operations.bones import ALL, SYSTEM, answers, call, terminology, value_set

URL = "http://example.org/bones-de"
NEEDS = {
    "url": "http://hl7.org/fhir/StructureDefinition/valueset-supplement", "valueCanonical": URL,
}  # fmt: skip


def supplement(supplements: str = SYSTEM) -> dict[str, Any]:
    concept = {
        "code": "femur", "display": "Oberschenkelknochen",
        "designation": [{"language": "es", "value": "Fémur (es)"}],
        "property": [{"code": "icd", "valueString": "40"}],
    }  # fmt: skip
    return {
        "resourceType": "CodeSystem", "url": URL, "version": "7", "status": "active", "language": "de",
        "content": "supplement", "supplements": supplements, "concept": [concept, {"code": "none"}],
    }  # fmt: skip


GERMAN = terminology(supplement())


def femur(known: Terminology, **asked: str) -> dict[str, Any]:
    found = expand(known, call(url=ALL, filter="femur", **asked))["expansion"]
    entry: dict[str, Any] = found["contains"][0]
    return entry


def test_expand__display_of_a_supplement() -> None:
    assert femur(GERMAN, displayLanguage="de")["display"] == "Oberschenkelknochen"
    assert femur(GERMAN)["display"] == "Femur"


def test_expand__designations_of_a_supplement_stand_beside_those_of_the_system() -> None:
    named = femur(GERMAN, includeDesignations="true")["designation"]
    assert [each["language"] for each in named] == ["fr", "de", "es"]


def test_expand__filter_finds_the_names_of_a_supplement() -> None:
    found = expand(GERMAN, call(url=ALL, filter="oberschenkel"))["expansion"]
    assert [entry["code"] for entry in found["contains"]] == ["femur"]


def test_expand__names_the_supplement_it_used() -> None:
    found = expand(GERMAN, call(url=ALL))["expansion"]
    assert {"name": "used-supplement", "valueUri": f"{URL}|7"} in found["parameter"]


def test_expand__supplement_brings_no_codes() -> None:
    assert expand(GERMAN, call(url=ALL))["expansion"]["total"] == 6


def test_expand__needed_supplement_is_loaded() -> None:
    needing = value_set("http://example.org/vs/de", {"system": SYSTEM})
    needing["extension"] = [NEEDS]
    assert expand(GERMAN, call(valueSet=needing))["expansion"]["total"] == 6
    with pytest.raises(Refused) as caught:
        expand(terminology(), call(valueSet=needing))
    assert caught.value.issues[0].id == "supplement-not-found"


def test_lookup__gives_designations_and_properties_of_a_supplement() -> None:
    found = lookup(GERMAN, call(system=SYSTEM, code="femur", displayLanguage="de"))
    assert answers(found)["display"] == "Oberschenkelknochen"
    assert "Fémur (es)" in str(found)
    assert "'icd'" in str(found)


def test_validate_code__display_of_a_supplement_is_one_of_the_code() -> None:
    asked = call(url=ALL, system=SYSTEM, code="femur", display="Oberschenkelknochen")
    assert answers(validate_code(GERMAN, asked))["result"] is True
    assert answers(validate_code(terminology(), asked))["result"] is False


@pytest.mark.parametrize(("version", "is_used"), [("2", True), ("1", False)])
def test_supplement__of_another_version_is_left_out(version: str, *, is_used: bool) -> None:
    known = terminology(supplement(f"{SYSTEM}|{version}"))
    shown = femur(known, displayLanguage="de")["display"]
    assert (shown == "Oberschenkelknochen") is is_used
