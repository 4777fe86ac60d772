from typing import Any

import pytest

from fhir_server.model.issues import Refused
from fhir_server.terminology.operations import translate
from tests.terminology.operations.bones import answers, call, terminology


def concept_map(url: str, *elements: dict[str, Any], **group: Any) -> dict[str, Any]:
    return {
        "resourceType": "ConceptMap", "url": url, "status": "active",
        "sourceUri": "urn:x:from-vs", "targetUri": "urn:x:to-vs",
        "group": [{"source": "urn:x:from", "target": "urn:x:to", "element": list(elements), **group}],
    }  # fmt: skip


def line(code: str, target: str, equivalence: str = "equivalent", **more: Any) -> dict[str, Any]:
    return {"code": code, "target": [{"code": target, "equivalence": equivalence, **more}]}


FALLBACK = concept_map("urn:x:fallback", line("z", "9"))
BONES = terminology(
    concept_map(
        "urn:x:map",
        line("a", "1"),
        line("b", "2", "wider"),
        line("n", "3", "unmatched"),
        line("d", "4", dependsOn=[{"property": "side", "system": "urn:side", "value": "left"}]),
        unmapped={"mode": "other-map", "url": "urn:x:fallback"},
    ),
    FALLBACK,
    concept_map("urn:x:fixed", unmapped={"mode": "fixed", "code": "0"}),
    concept_map("urn:x:own", unmapped={"mode": "other-map", "url": "urn:x:own"}),
)


def matches(**asked: Any) -> list[tuple[str, str]]:
    asked = {"url": "urn:x:map", "system": "urn:x:from", **asked}
    result = translate(BONES, call(**asked))
    parts = [entry["part"] for entry in result["parameter"] if entry["name"] == "match"]
    return [(part[0]["valueCode"], part[1]["valueCoding"]["code"]) for part in parts]


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"code": "a"}, [("equivalent", "1")]),
        ({"coding": {"system": "urn:x:from", "code": "b"}}, [("wider", "2")]),
        ({"code": "2", "system": "urn:x:to", "reverse": "true"}, [("narrower", "b")]),
        ({"code": "z"}, [("equivalent", "9")]),
        ({"code": "q"}, []),
        ({"code": "d"}, []),
        ({"code": "q", "url": "urn:x:fixed"}, [("inexact", "0")]),
        ({"code": "q", "url": "urn:x:own"}, []),
        ({"code": "a", "targetsystem": "urn:x:other"}, []),
    ],
)
def test_translate__matches(asked: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    assert matches(**asked) == expected


def test_translate__map_is_found_by_its_value_sets() -> None:
    found = translate(
        BONES, call(source="urn:x:from-vs", target="urn:x:to-vs", code="a", system="urn:x:from")
    )
    match = next(entry for entry in found["parameter"] if entry["name"] == "match")
    assert {"name": "source", "valueUri": "urn:x:map"} in match["part"]


def test_translate__result_is_false_where_the_only_match_is_none() -> None:
    found = translate(BONES, call(url="urn:x:map", code="n", system="urn:x:from"))
    assert answers(found)["result"] is False


def test_translate__dependency_opens_the_line_that_needs_it() -> None:
    asked = call(url="urn:x:map", code="d", system="urn:x:from")
    concept = {"coding": [{"system": "urn:side", "code": "left"}]}
    asked["parameter"].append({"name": "dependency", "part": [
        {"name": "element", "valueUri": "side"},
        {"name": "concept", "valueCodeableConcept": concept},
    ]})  # fmt: skip
    assert answers(translate(BONES, asked))["result"] is True


@pytest.mark.parametrize("asked", [{"url": "urn:x:none", "code": "a"}, {"code": "a"}])
def test_translate__refuses_without_a_map(asked: dict[str, Any]) -> None:
    with pytest.raises(Refused):
        translate(BONES, call(**asked))
