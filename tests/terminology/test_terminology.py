"""Value sets expanded, codes checked with three answers."""

from typing import Any

import pytest

from fhir_server.definitions import core_definitions
from fhir_server.terminology import Terminology

CORE = Terminology(core_definitions())
BASE = "http://hl7.org/fhir/ValueSet/"
SYSTEM = "http://example.org/system"


@pytest.mark.parametrize(
    ("value_set", "code", "system", "answer"),
    [
        ("administrative-gender", "male", None, True),
        ("administrative-gender|4.0.1", "male", "http://hl7.org/fhir/administrative-gender", True),
        ("administrative-gender", "m", None, False),
        ("languages", "fr-FR", "urn:ietf:bcp:47", True),
        ("all-languages", "fr-Latn-CH", "urn:ietf:bcp:47", True),
        ("all-languages", "zq", "urn:ietf:bcp:47", False),
        ("all-languages", "gsw", "urn:ietf:bcp:47", True),
        ("all-languages", "zz-Abcd", "urn:ietf:bcp:47", False),
        ("all-languages", "zh-Abcd", "urn:ietf:bcp:47", None),
        ("all-languages", "abc", "urn:ietf:bcp:47", None),
        ("mimetypes", "text/plain; charset=utf-8", "urn:ietf:bcp:13", True),
        ("mimetypes", "json", "urn:ietf:bcp:13", False),
        ("currencies", "EUR", "urn:iso:std:iso:4217", True),
        ("currencies", "EURO", "urn:iso:std:iso:4217", False),
        ("ucum-units", "mm[Hg]", "http://unitsofmeasure.org", True),
        ("ucum-units", "m m", "http://unitsofmeasure.org", False),
        ("condition-code", "404684003", "http://snomed.info/sct", None),
        ("no-such-value-set", "x", None, None),
    ],
)
def test_check__answers(value_set: str, code: str, system: str | None, answer: bool | None) -> None:
    check = CORE.check(BASE + value_set, code, system)
    assert check.answer is answer
    assert (check.reason is not None) is (answer is None)


def _terminology(
    *includes: dict[str, Any], exclude: list[dict[str, Any]] | None = None
) -> Terminology:
    system = {
        "resourceType": "CodeSystem", "url": SYSTEM, "content": "complete",
        "concept": [
            {"code": "a", "concept": [{"code": "a1", "property": [{"code": "kind", "valueCode": "x"}]},
                                      {"code": "a2"}]},
            {"code": "b", "property": [{"code": "parent", "valueCode": "a2"}]},
        ],
    }  # fmt: skip
    value_set = {"resourceType": "ValueSet", "url": "http://example.org/vs",
                 "compose": {"include": list(includes), "exclude": exclude or []}}  # fmt: skip
    other = {"resourceType": "ValueSet", "url": "http://example.org/other",
             "compose": {"include": [{"system": SYSTEM,
                                      "concept": [{"code": "a"}, {"code": "b"}]}]}}  # fmt: skip
    return Terminology(core_definitions().layered([system, value_set, other]))


def _filter(prop: str, op: str, value: str) -> dict[str, Any]:
    return {"system": SYSTEM, "filter": [{"property": prop, "op": op, "value": value}]}


@pytest.mark.parametrize(
    ("include", "codes"),
    [
        ({"system": SYSTEM}, {"a", "a1", "a2", "b"}),
        (_filter("concept", "is-a", "a"), {"a", "a1", "a2", "b"}),
        (_filter("concept", "descendent-of", "a"), {"a1", "a2", "b"}),
        (_filter("concept", "is-not-a", "a2"), {"a", "a1"}),
        (_filter("concept", "generalizes", "b"), {"a", "a2", "b"}),
        (_filter("code", "regex", "a[0-9]"), {"a1", "a2"}),
        (_filter("kind", "=", "x"), {"a1"}),
        (_filter("kind", "exists", "false"), {"a", "a2", "b"}),
        (_filter("code", "in", "a, b"), {"a", "b"}),
        (_filter("code", "not-in", "a,b"), {"a1", "a2"}),
        ({"system": SYSTEM, "valueSet": ["http://example.org/other"]}, {"a", "b"}),
        ({"valueSet": ["http://example.org/other"]}, {"a", "b"}),
    ],
)  # fmt: skip
def test_expansion__include_holds(include: dict[str, Any], codes: set[str]) -> None:
    expansion = _terminology(include).expansion("http://example.org/vs")
    assert {code for _, code in expansion} == codes


def test_expansion__exclude_takes_away() -> None:
    terminology = _terminology(
        {"system": SYSTEM}, exclude=[{"system": SYSTEM, "concept": [{"code": "a"}]}]
    )
    assert terminology.check("http://example.org/vs", "a", SYSTEM).answer is False
    assert terminology.check("http://example.org/vs", "b", SYSTEM).answer is True


def test_expansion__value_set_that_imports_itself_cannot_be_told() -> None:
    terminology = _terminology({"valueSet": ["http://example.org/vs"]})
    assert terminology.check("http://example.org/vs", "a", SYSTEM).answer is None


def test_expansion__whole_systems_share_one_set() -> None:
    terminology = _terminology({"system": SYSTEM})
    index = terminology.code_system(SYSTEM)
    assert index is not None
    assert terminology.expansion("http://example.org/vs").codes[SYSTEM] is index.codes
