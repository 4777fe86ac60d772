"""Includes and `_has` through canonicals, with and without a version."""

from typing import Any

import pytest

from tests.search.conftest import SearchStore, names

Json = dict[str, Any]


def questionnaire(own_id: str, version: str | None, url: str = "http://x/q") -> Json:
    found = {"resourceType": "Questionnaire", "id": own_id, "url": url, "status": "active"}
    return found | ({"version": version} if version else {})


def response(own_id: str, canonical: str) -> Json:
    return {
        "resourceType": "QuestionnaireResponse", "id": own_id, "status": "completed",
        "questionnaire": canonical,
    }  # fmt: skip


def library(own_id: str, *depends_on: Json) -> Json:
    return {
        "resourceType": "Library", "id": own_id, "url": f"http://x/Library/{own_id}",
        "status": "active", "type": {"text": "logic"}, "relatedArtifact": list(depends_on),
    }  # fmt: skip


def artifact(kind: str, canonical: str) -> Json:
    return {"type": kind, "resource": canonical}


@pytest.fixture
def forms(store: SearchStore) -> SearchStore:
    store.put(
        questionnaire("q1", "1.0"), questionnaire("q2", "2.0"), questionnaire("q", None, "http://y/q"),
        response("any", "http://x/q"), response("first", "http://x/q|1.0"),
        response("second", "http://x/q|2.0"), response("other", "http://y/q"),
        response("absent", "http://x/q|3.0"),
        library("base"), library("used", artifact("depends-on", "http://x/Library/base")),
        library("cited", artifact("citation", "http://x/Library/base")),
        {"resourceType": "Measure", "id": "m", "status": "active",
         "library": ["http://x/Library/used"],
         "relatedArtifact": [artifact("depends-on", "http://x/q|2.0")]},
    )  # fmt: skip
    return store


@pytest.mark.parametrize(
    ("query", "included"),
    [
        ("QuestionnaireResponse?_id=first&_include=QuestionnaireResponse:questionnaire",
         ["Questionnaire/q1"]),
        ("QuestionnaireResponse?_id=any&_include=QuestionnaireResponse:questionnaire",
         ["Questionnaire/q1", "Questionnaire/q2"]),
        ("QuestionnaireResponse?_id=absent&_include=QuestionnaireResponse:questionnaire", []),
        ("QuestionnaireResponse?_id=other&_include=*", ["Questionnaire/q"]),
        ("QuestionnaireResponse?_id=first,other&_include=QuestionnaireResponse:*",
         ["Questionnaire/q", "Questionnaire/q1"]),
        ("Questionnaire?_id=q1&_revinclude=QuestionnaireResponse:questionnaire",
         ["QuestionnaireResponse/any", "QuestionnaireResponse/first"]),
        ("Questionnaire?_id=q&_revinclude=*", ["QuestionnaireResponse/other"]),
        ("Measure?_include=Measure:depends-on", ["Library/used", "Questionnaire/q2"]),
        ("Measure?_include=Measure:depends-on:Library", ["Library/used"]),
        ("Measure?_include=Measure:depends-on&_include:iterate=Library:depends-on",
         ["Library/base", "Library/used", "Questionnaire/q2"]),
        ("Library?_id=base&_revinclude=Library:depends-on", ["Library/used"]),
        ("Library?_id=base&_revinclude:iterate=Library:depends-on&_revinclude:iterate=Measure:depends-on",
         ["Library/used", "Measure/m"]),
    ],
)  # fmt: skip
def test_include__goes_through_canonicals(
    forms: SearchStore, query: str, included: list[str]
) -> None:
    assert sorted(names(forms.search(query).included)) == included


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("Questionnaire?_has:QuestionnaireResponse:questionnaire:_id=other", ["Questionnaire/q"]),
        ("Questionnaire?_has:QuestionnaireResponse:questionnaire:status=completed&version=1.0",
         ["Questionnaire/q1"]),
        ("Questionnaire?_has:QuestionnaireResponse:questionnaire:status=stopped", []),
        ("Library?_has:Library:depends-on:_has:Measure:depends-on:status=active", ["Library/base"]),
        ("Library?depends-on.url=http://x/Library/base", ["Library/used"]),
        ("QuestionnaireResponse?questionnaire.version=2.0",
         ["QuestionnaireResponse/absent", "QuestionnaireResponse/any", "QuestionnaireResponse/first",
          "QuestionnaireResponse/second"]),
    ],
)  # fmt: skip
def test_has__goes_through_canonicals(forms: SearchStore, query: str, found: list[str]) -> None:
    assert forms.find(query) == found
