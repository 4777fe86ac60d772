"""Criteria of conditional interactions: nearly all are one token, and are read by a way of their own."""

from urllib.parse import parse_qsl

import pytest

from fhir_server.interactions.server import FhirServer
from fhir_server.interactions.writing.criteria import parse_criteria
from fhir_server.model.issues import Refused
from fhir_server.search.request import parse_search


@pytest.mark.parametrize(
    "query",
    ["identifier=urn:oid:1.2|7", "identifier=7", "identifier=|7", "gender=female", "active=true",
     "identifier=http://a/b#c|x.y-z"],
)  # fmt: skip
def test_criteria__of_one_token_are_what_a_search_is(server: FhirServer, query: str) -> None:
    criteria = parse_criteria(server, "Patient", query, "url")
    searched = parse_search(
        server.parameters, "Patient", parse_qsl(query), lenient=False, base_url=server.base_url
    )
    assert criteria.request == searched
    assert criteria.text == f"Patient?{query}"


@pytest.mark.parametrize(
    "query",
    ["identifier=a%7Cb", "Patient?identifier=a|b", "?identifier=a|b",
     "http://testserver/fhir/Patient?identifier=a|b"],
)  # fmt: skip
def test_criteria__written_otherwise_are_equal_texts(server: FhirServer, query: str) -> None:
    assert parse_criteria(server, "Patient", query, "url").text == "Patient?identifier=a|b"


@pytest.mark.parametrize(
    "query", ["identifier=|", "identifier=a|b|c", "identifer=a", "identifier=", "_count=1", ""]
)
def test_criteria__that_say_nothing_are_refused(server: FhirServer, query: str) -> None:
    with pytest.raises(Refused):
        parse_criteria(server, "Patient", query, "url")


@pytest.mark.parametrize(
    "query",
    ["Observation?identifier=a|b", "http://other/fhir/Patient?identifier=a|b", "Patient/a?active=true"],
)  # fmt: skip
def test_criteria__of_another_place_are_refused_as_such(server: FhirServer, query: str) -> None:
    with pytest.raises(Refused) as refused:
        parse_criteria(server, "Patient", query, "url")
    assert (refused.value.status, refused.value.issues[0].id) == (400, "criteria-elsewhere")
