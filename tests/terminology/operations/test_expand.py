from typing import Any

import pytest

from fhir_server.definitions import core_definitions
from fhir_server.model.issues import Refused
from fhir_server.terminology import Terminology
from fhir_server.terminology.operations import expand
from fhir_server.terminology.operations.expand import MAX_CODES
from tests.terminology.operations.bones import (
    ALL,
    CODE_SYSTEM,
    SYSTEM,
    call,
    terminology,
    value_set,
)

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


GENDER = "http://hl7.org/fhir/StructureDefinition/Patient#Patient.gender"


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"designation": "fr"}, [{"language": "fr", "value": "Fémur"}]),
        ({"designation": "urn:ietf:bcp:47|fr"}, [{"language": "fr", "value": "Fémur"}]),
        ({"designation": "urn:ietf:bcp:47|de"}, None),
        ({"designation": "fr", "includeDesignations": "false"}, None),
    ],
)
def test_expand__designations_of_a_language(asked: dict[str, str], expected: Any) -> None:
    found = expand(BONES, call(url=ALL, filter="femur", **asked))
    assert found["expansion"]["contains"][0].get("designation") == expected


def test_expand__designations_of_a_use() -> None:
    short = {"system": "http://example.org/uses", "code": "short"}
    concept = {"code": "femur", "designation": [{"value": "Fem", "use": short}, {"value": "Thigh"}]}
    own = value_set("http://example.org/vs/own", {"system": SYSTEM, "concept": [concept]})
    found = expand(BONES, call(valueSet=own, designation="http://example.org/uses|short"))
    named = found["expansion"]["contains"][0]["designation"]
    assert [each["value"] for each in named] == ["Fem"]


@pytest.mark.parametrize(
    ("excluded", "expected"), [(SYSTEM, []), (f"{SYSTEM}|2", []), (f"{SYSTEM}|1", ["ilium"])]
)
def test_expand__system_is_left_out(excluded: str, expected: list[str]) -> None:
    found = expand(BONES, call(url=ALL, filter="ilium", **{"exclude-system": excluded}))
    assert codes(found) == expected


def test_expand__value_set_of_a_context() -> None:
    found = expand(BONES, call(context=GENDER, contextDirection="incoming"))
    assert codes(found) == ["male", "female", "other", "unknown"]


def test_expand__context_of_a_profile_is_looked_up_in_what_it_rests_on() -> None:
    profile = {
        "resourceType": "StructureDefinition", "url": "urn:x:profile", "type": "Patient",
        "baseDefinition": "http://hl7.org/fhir/StructureDefinition/Patient",
        "differential": {"element": [{"id": "Patient.gender", "path": "Patient.gender", "min": 1}]},
    }  # fmt: skip
    found = expand(terminology(profile), call(context="urn:x:profile#Patient.gender"))
    assert "male" in codes(found)


@pytest.mark.parametrize("asked", [{"date": "2999"}, {"excludePostCoordinated": "true"}])
def test_expand__what_is_asked_for_and_holds_anyway_is_said(asked: dict[str, str]) -> None:
    found = expand(BONES, call(url=ALL, **asked))["expansion"]
    assert next(iter(asked)) in {each["name"] for each in found["parameter"]}
    assert found["total"] == 6


OLD = {
    "resourceType": "CodeSystem", "url": SYSTEM, "version": "1", "status": "active",
    "content": "complete", "concept": [{"code": "cubit"}],
}  # fmt: skip


@pytest.mark.parametrize(
    ("stated", "asked", "expected"),
    [
        (None, {}, "ilium"),
        (None, {"system-version": f"{SYSTEM}|1"}, "cubit"),
        ("2", {"system-version": f"{SYSTEM}|1"}, "ilium"),
        (None, {"check-system-version": f"{SYSTEM}|1"}, "cubit"),
        ("2", {"check-system-version": f"{SYSTEM}|2"}, "ilium"),
        ("2", {"force-system-version": f"{SYSTEM}|1"}, "cubit"),
    ],
)
def test_expand__version_of_a_system(
    stated: str | None, asked: dict[str, str], expected: str
) -> None:
    include = {"system": SYSTEM} | ({"version": stated} if stated else {})
    inner, outer = (
        value_set("urn:x:inner", include),
        value_set("urn:x:outer", {"valueSet": ["urn:x:inner"]}),
    )
    known = Terminology(core_definitions().layered([OLD, CODE_SYSTEM, inner, outer]))
    for url in ("urn:x:inner", "urn:x:outer"):
        found = expand(known, call(url=url, excludeNested="true", **asked))
        assert expected in codes(found)
        assert len(codes(found)) == (1 if expected == "cubit" else 6)


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
        ({"url": ALL, "date": "1999-01-01"}, (422, "expansion-of-the-past", "not-supported")),
        ({"url": ALL, "date": "x"}, (400, "operation-parameter-value", "value")),
        ({"context": "urn:x#Patient.gender"}, (404, "expansion-context-unknown", "not-found")),
        (
            {"context": GENDER, "contextDirection": "up"},
            (400, "operation-parameter-value", "value"),
        ),
        ({"url": ALL, "system-version": SYSTEM}, (400, "operation-parameter-value", "value")),
        (
            {"url": ALL, "force-system-version": f"{SYSTEM}|9"},
            (422, "value-set-cannot-be-expanded", "not-supported"),
        ),
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


def test_expand__other_version_than_the_one_checked_for_is_refused() -> None:
    stated = value_set("urn:x:stated", {"system": SYSTEM, "version": "2"})
    outer = value_set("urn:x:outer", {"valueSet": ["urn:x:stated"]})
    for url in ("urn:x:stated", "urn:x:outer"):
        asked = {"url": url, "check-system-version": f"{SYSTEM}|1"}
        assert refusal(stated, outer, **asked) == (422, "system-version-differs", "business-rule")


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
    assert refusal(*tower, url="urn:x:59")[1] == "value-set-cannot-be-expanded"


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
    assert refusal(bomb, system, url="urn:x:bomb")[1] == "value-set-cannot-be-expanded"
