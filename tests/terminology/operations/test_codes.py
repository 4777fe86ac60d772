"""$lookup, $subsumes and $validate-code."""

from typing import Any

import pytest

from fhir_server.model.issues import Refused
from fhir_server.terminology.operations import lookup, subsumes, validate_code
from tests.terminology.operations.bones import (
    ALL,
    CODE_SYSTEM,
    SYSTEM,
    answers,
    call,
    terminology,
    value_set,
)

BONES = terminology(
    value_set("urn:x:limbs", {"system": SYSTEM, "concept": [{"code": "femur"}, {"code": "tibia"}]})
)


def properties(result: dict[str, Any]) -> dict[str, Any]:
    found = [entry["part"] for entry in result["parameter"] if entry["name"] == "property"]
    return {
        parts[0]["valueCode"]: next(v for k, v in parts[1].items() if k != "name")
        for parts in found
    }


def test_lookup__gives_names_and_definition() -> None:
    found = answers(lookup(BONES, call(system=SYSTEM, code="femur")))
    assert (found["display"], found["version"]) == ("Femur", "2")
    assert found["definition"] == "The bone of the thigh."
    assert found["designation"]["part"][1]["valueString"] == "Fémur"


def test_lookup__gives_the_hierarchy_and_properties() -> None:
    assert properties(lookup(BONES, call(system=SYSTEM, code="femur"))) == {
        "parent": "limb",
        "inactive": False,
        "kind": "long",
    }
    assert properties(lookup(BONES, call(system=SYSTEM, code="pelvis")))["child"] == "ilium"


def test_lookup__gives_only_the_properties_asked_for() -> None:
    found = lookup(BONES, call(system=SYSTEM, code="femur", property="kind"))
    assert properties(found) == {"kind": "long"}
    assert "designation" not in answers(found)


def test_lookup__display_is_in_the_language() -> None:
    coding = {"system": SYSTEM, "code": "femur"}
    assert answers(lookup(BONES, call(coding=coding, displayLanguage="fr")))["display"] == "Fémur"


@pytest.mark.parametrize(
    ("asked", "issue"),
    [
        ({"system": SYSTEM, "code": "x"}, "code-not-found"),
        ({"system": "urn:x:none", "code": "x"}, "code-system-not-found"),
        ({"system": SYSTEM, "code": "femur", "version": "9"}, "code-system-not-found"),
        ({"code": "x"}, "operation-parameter-missing"),
        ({"coding": {"system": SYSTEM}}, "operation-parameter-value"),
    ],
)
def test_lookup__refuses(asked: dict[str, Any], issue: str) -> None:
    with pytest.raises(Refused) as caught:
        lookup(BONES, call(**asked))
    assert caught.value.issues[0].id == issue


@pytest.mark.parametrize(
    ("first", "second", "outcome"),
    [
        ("femur", "femur", "equivalent"),
        ("limb", "femur", "subsumes"),
        ("femur", "limb", "subsumed-by"),
        ("femur", "tibia", "not-subsumed"),
    ],
)
def test_subsumes__outcome(first: str, second: str, outcome: str) -> None:
    found = subsumes(BONES, call(system=SYSTEM, codeA=first, codeB=second))
    assert answers(found)["outcome"] == outcome
    of_instance = subsumes(BONES, call(codeA=first, codeB=second), CODE_SYSTEM)
    assert answers(of_instance)["outcome"] == outcome


def test_subsumes__codes_of_two_systems_are_refused() -> None:
    other = {"system": "urn:x:other", "code": "femur"}
    with pytest.raises(Refused, match="subsumes-two-systems"):
        subsumes(BONES, call(codingA={"system": SYSTEM, "code": "femur"}, codingB=other))


def test_subsumes__hierarchy_in_a_circle_is_refused() -> None:
    loop = {"resourceType": "CodeSystem", "url": "urn:x:loop", "content": "complete",
            "concept": [{"code": a, "property": [{"code": "parent", "valueCode": b}]}
                        for a, b in (("a", "b"), ("b", "a"))]}  # fmt: skip
    with pytest.raises(Refused, match="hierarchy-circular"):
        subsumes(terminology(loop), call(system="urn:x:loop", codeA="a", codeB="b"))


@pytest.mark.parametrize(
    ("asked", "result", "issue"),
    [
        ({"code": "femur", "system": SYSTEM}, True, None),
        ({"code": "femur"}, True, None),
        ({"code": "ilium", "system": SYSTEM}, False, "code-not-in-value-set"),
        ({"code": "femur", "system": SYSTEM, "display": "FEMUR"}, True, None),
        ({"code": "femur", "system": SYSTEM, "display": "fémur"}, True, None),
        ({"code": "femur", "system": SYSTEM, "display": "Shin"}, False, "code-display-wrong"),
        ({"coding": {"system": SYSTEM, "code": "tibia", "display": "Tibia"}}, True, None),
        (
            {"codeableConcept": {"coding": [{"system": "urn:x", "code": "femur"},
                                            {"system": SYSTEM, "code": "femur"}]}},
            True,
            None,
        ),
        (
            {"codeableConcept": {"coding": [{"system": "urn:x", "code": "femur"}]}},
            False,
            "code-not-in-value-set",
        ),
    ],
)  # fmt: skip
def test_validate_code__of_a_value_set(
    asked: dict[str, Any], result: bool, issue: str | None
) -> None:
    found = validate_code(BONES, call(url="urn:x:limbs", **asked))
    assert answers(found)["result"] is result
    assert (issue or "") in str(found)


def test_validate_code__gives_the_display_and_the_inferred_system() -> None:
    found = answers(
        validate_code(BONES, call(url="urn:x:limbs", code="femur", displayLanguage="fr"))
    )
    assert (found["system"], found["display"]) == (SYSTEM, "Fémur")


def test_validate_code__abstract_code_must_be_asked_for() -> None:
    asked = {"url": ALL, "code": "limb", "system": SYSTEM}
    assert answers(validate_code(BONES, call(**asked)))["result"] is False
    assert answers(validate_code(BONES, call(**asked, abstract="true")))["result"] is True


def test_validate_code__what_cannot_be_told_is_told_apart() -> None:
    found = validate_code(
        BONES,
        call(url="http://hl7.org/fhir/ValueSet/condition-code", system="http://snomed.info/sct",
             code="404684003"),
    )  # fmt: skip
    assert answers(found)["result"] is False
    assert answers(found)["x-caused-by-unknown-system"] == "http://snomed.info/sct"


@pytest.mark.parametrize(
    ("asked", "result"),
    [
        ({"url": SYSTEM, "code": "femur"}, True),
        ({"url": SYSTEM, "code": "x"}, False),
        ({"url": SYSTEM, "code": "femur", "display": "Shin"}, False),
        ({"url": "urn:ietf:bcp:47", "code": "fr-FR"}, True),
        ({"url": "urn:ietf:bcp:47", "code": "french!"}, False),
        ({"coding": {"system": SYSTEM, "code": "tibia"}}, True),
        ({"url": "urn:x:none", "code": "a"}, False),
    ],
)
def test_validate_code__of_a_code_system(asked: dict[str, Any], result: bool) -> None:
    found = validate_code(BONES, call(**asked), kind="CodeSystem")
    assert answers(found)["result"] is result


def test_validate_code__message_is_in_the_language() -> None:
    found = validate_code(
        BONES, call(url="urn:x:limbs", code="ilium", system=SYSTEM), language="fr"
    )
    assert "jeu de valeurs" in answers(found)["message"]


def test_validate_code__against_the_value_set_of_a_context() -> None:
    context = "http://hl7.org/fhir/StructureDefinition/Patient#Patient.gender"
    for code, result in (("male", True), ("blue", False)):
        asked = {
            "context": context,
            "code": code,
            "system": "http://hl7.org/fhir/administrative-gender",
        }
        assert answers(validate_code(BONES, call(**asked)))["result"] is result


@pytest.mark.parametrize("operation", [lookup, validate_code])
def test_codes__date_is_taken_unless_it_is_past(operation: Any) -> None:
    asked = {"code": "femur", "system": SYSTEM}
    if operation is validate_code:
        asked["url"] = "urn:x:limbs"
    assert operation(BONES, call(**asked, date="2999"))["resourceType"] == "Parameters"
    for date, status in (("1999-01-01", 422), ("then", 400)):
        with pytest.raises(Refused) as caught:
            operation(BONES, call(**asked, date=date))
        assert caught.value.status == status
