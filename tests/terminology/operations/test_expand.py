import time
from typing import Any

import pytest

from fhir_server.model.issues import Refused
from fhir_server.terminology.operations import expand
from fhir_server.terminology.operations.expand import MAX_CODES
from tests.terminology.operations.bones import ALL, SYSTEM, call, terminology, value_set

BONES = terminology()


def codes(result: dict[str, Any]) -> list[str]:
    return [entry["code"] for entry in result["expansion"].get("contains", [])]


def test_expand__nests_after_the_hierarchy() -> None:
    top = expand(BONES, call(url=ALL))["expansion"]["contains"]
    assert [entry["code"] for entry in top] == ["limb", "pelvis"]
    assert [entry["code"] for entry in top[0]["contains"]] == ["femur", "tibia", "shin"]
    assert top[0]["abstract"] is True


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"excludeNested": "true"}, ["limb", "femur", "tibia", "shin", "pelvis", "ilium"]),
        ({"filter": "fem"}, ["femur"]),
        ({"filter": "Femur "}, ["femur"]),
        ({"filter": "bone shin"}, ["shin"]),
        ({"count": "2"}, ["limb", "femur"]),
        ({"count": "2", "offset": "4"}, ["pelvis", "ilium"]),
        ({"count": "0"}, []),
        ({"activeOnly": "true", "excludeNested": "true"}, ["limb", "femur", "tibia", "pelvis", "ilium"]),
        ({"excludeNotForUI": "true", "filter": "i"}, ["tibia", "shin", "pelvis", "ilium"]),
    ],
)  # fmt: skip
def test_expand__holds(asked: dict[str, str], expected: list[str]) -> None:
    assert codes(expand(BONES, call(url=ALL, **asked))) == expected


def test_expand__total_counts_what_pages_leave_out() -> None:
    assert expand(BONES, call(url=ALL, count="1"))["expansion"]["total"] == 6


def test_expand__filter_finds_a_designation_without_its_accents() -> None:
    assert codes(expand(BONES, call(url=ALL, filter="femu"))) == ["femur"]


def test_expand__displays_are_in_the_language() -> None:
    found = expand(BONES, call(url=ALL, filter="femur", displayLanguage="fr-FR"))
    assert found["expansion"]["contains"][0]["display"] == "Fémur"


def test_expand__designations_are_given_when_asked_for() -> None:
    found = expand(BONES, call(url=ALL, filter="femur", includeDesignations="true"))
    entry = found["expansion"]["contains"][0]
    assert entry["designation"] == [{"language": "fr", "value": "Fémur"}]


def test_expand__value_set_names_its_own_displays_and_order() -> None:
    own = value_set(
        "http://example.org/vs/own",
        {"system": SYSTEM, "concept": [{"code": "tibia", "display": "Shin"}, {"code": "femur"}]},
    )
    contains = expand(BONES, call(valueSet=own))["expansion"]["contains"]
    assert [(entry["code"], entry["display"]) for entry in contains] == [
        ("tibia", "Shin"),
        ("femur", "Femur"),
    ]


def test_expand__exclude_and_import_are_carried_out() -> None:
    part = value_set(
        "http://example.org/vs/part",
        {"valueSet": [ALL]},
        exclude=[{"system": SYSTEM, "concept": [{"code": "limb"}]}],
    )
    found = expand(terminology(part), call(url=part["url"]))
    assert codes(found) == ["femur", "tibia", "shin", "pelvis"]


def test_expand__inactive_codes_are_left_out_where_the_value_set_says_so() -> None:
    part = value_set("http://example.org/vs/active", {"system": SYSTEM}, inactive=False)
    assert "shin" not in str(expand(BONES, call(valueSet=part)))


def test_expand__implicit_value_set_of_a_part() -> None:
    found = expand(BONES, call(url=f"{SYSTEM}?fhir_vs=isa/pelvis", excludeNested="true"))
    assert codes(found) == ["pelvis", "ilium"]


def test_expand__names_the_version_and_leaves_the_definition_out() -> None:
    found = expand(BONES, call(url=ALL))
    assert {"name": "version", "valueUri": f"{SYSTEM}|2"} in found["expansion"]["parameter"]
    assert "compose" not in found
    assert "compose" in expand(BONES, call(url=ALL, includeDefinition="true"))


def test_expand__fragment_is_said() -> None:
    system = {"resourceType": "CodeSystem", "url": "urn:x:part", "status": "active",
              "content": "fragment", "concept": [{"code": "a"}]}  # fmt: skip
    whole = value_set("urn:x:vs", {"system": "urn:x:part"})
    found = expand(terminology(system, whole), call(url="urn:x:vs"))
    assert {"name": "fragment", "valueUri": "urn:x:part"} in found["expansion"]["parameter"]


def refusal(*resources: dict[str, Any], **asked: Any) -> tuple[int, str, str]:
    with pytest.raises(Refused) as caught:
        expand(terminology(*resources), call(**asked))
    return caught.value.status, caught.value.issues[0].id, caught.value.issues[0].code


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"url": "urn:x:none"}, (404, "value-set-not-found", "not-found")),
        ({}, (400, "operation-parameter-missing", "required")),
        ({"url": ALL, "count": "-1"}, (400, "operation-parameter-value", "value")),
        ({"url": ALL, "activeOnly": "yes"}, (400, "operation-parameter-value", "value")),
        ({"url": ALL, "fliter": "x"}, (400, "operation-parameter-unknown", "not-supported")),
        (
            {"url": "http://hl7.org/fhir/ValueSet/condition-code"},
            (422, "value-set-cannot-be-expanded", "not-supported"),
        ),
        (
            {"url": "http://hl7.org/fhir/ValueSet/mimetypes"},
            (422, "value-set-has-no-list", "too-costly"),
        ),
    ],
)
def test_expand__refuses(asked: dict[str, str], expected: tuple[int, str, str]) -> None:
    assert refusal(**asked) == expected


def test_expand__more_codes_than_one_answer_holds_are_too_costly() -> None:
    system = {"resourceType": "CodeSystem", "url": "urn:x:big", "status": "active",
              "content": "complete",
              "concept": [{"code": f"c{n}"} for n in range(MAX_CODES + 1)]}  # fmt: skip
    big = terminology(system)
    with pytest.raises(Refused) as caught:
        expand(big, call(url="urn:x:big?fhir_vs"))
    assert caught.value.issues[0].code == "too-costly"
    assert len(codes(expand(big, call(url="urn:x:big?fhir_vs", count="5", offset="9998")))) == 3


def test_expand__value_set_that_imports_itself_is_refused() -> None:
    loop = [
        value_set(f"urn:x:{n}", {"valueSet": [f"urn:x:{m}"]}, {"valueSet": ["urn:x:0"]})
        for n, m in ((0, 1), (1, 2), (2, 0))
    ]
    with pytest.raises(Refused) as caught:
        expand(terminology(*loop), call(url="urn:x:0"))
    assert "imports itself" in caught.value.issues[0].text()


def test_expand__value_sets_that_double_at_each_import_end_in_bounded_time() -> None:
    tower = [
        value_set(f"urn:x:{n}", {"valueSet": [f"urn:x:{n - 1}"]}, {"valueSet": [f"urn:x:{n - 1}"]})
        for n in range(1, 60)
    ]
    began = time.monotonic()
    assert refusal(*tower, url="urn:x:59")[1] == "value-set-cannot-be-expanded"
    assert time.monotonic() - began < 5


def test_expand__circular_hierarchy_loses_no_code() -> None:
    system = {"resourceType": "CodeSystem", "url": "urn:x:loop", "status": "active",
              "content": "complete",
              "concept": [{"code": code, "property": [{"code": "parent", "valueCode": above}]}
                          for code, above in (("a", "c"), ("b", "a"), ("c", "b"))]}  # fmt: skip
    found = str(expand(terminology(system), call(url="urn:x:loop?fhir_vs")))
    assert all(f"'code': '{code}'" in found for code in "abc")


def test_expand__regular_expression_that_explodes_is_refused_in_bounded_time() -> None:
    bomb = value_set(
        "urn:x:bomb",
        {
            "system": "urn:x:as",
            "filter": [{"property": "code", "op": "regex", "value": "(?:a|aa)+c"}],
        },
    )
    system = {"resourceType": "CodeSystem", "url": "urn:x:as", "status": "active",
              "content": "complete", "concept": [{"code": "a" * (40 + n)} for n in range(100)]}  # fmt: skip
    began = time.monotonic()
    assert refusal(bomb, system, url="urn:x:bomb")[1] == "value-set-cannot-be-expanded"
    assert time.monotonic() - began < 5
