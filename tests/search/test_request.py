import re
from urllib.parse import parse_qsl

import pytest

from fhir_server.model.issues import Refused, texts
from fhir_server.search.parameters import SearchParameters
from fhir_server.search.request import MAX_COUNT, SearchRequest, parse_search

BASE_URL = "http://osteon.test/fhir"


def _parse(
    parameters: SearchParameters,
    resource_type: str | None,
    *pairs: tuple[str, str],
    lenient: bool = False,
) -> SearchRequest:
    return parse_search(parameters, resource_type, pairs, lenient=lenient, base_url=BASE_URL)


@pytest.mark.parametrize(
    ("resource_type", "name", "value", "issue_id"),
    [
        ("Patient", "nmae", "x", "search-parameter-unknown"),
        ("Patient", "Name", "x", "search-parameter-unknown"),
        ("Patient", "_query", "x", "search-query-unsupported"),
        ("Patient", "_contained", "true", "search-contained"),
        ("Patient", "name:exakt", "x", "search-modifier-unknown"),
        ("Patient", "birthdate:exact", "2020", "search-modifier-unknown"),
        ("Patient", "_id:exact", "x", "search-modifier-unknown"),
        ("Patient", "birthdate", "xx2020", "search-value-comparator"),
        ("Patient", "birthdate", "2020-13", "search-value-date"),
        ("Patient", "birthdate", "", "search-value-empty"),
        ("Patient", "birthdate", "2020,,2021", "search-value-empty"),
        ("Patient", "gender", "|", "search-value-token"),
        ("Patient", "gender", "a|b|c", "search-value-token"),
        ("Patient", "identifier:of-type", "a|b", "search-value-of-type"),
        ("Patient", "name", "'", "search-value-string"),
        ("Patient", "name", "x" * 300, "search-value-too-long"),
        ("Patient", "gender:missing", "maybe", "search-value-boolean"),
        ("Patient", "_id", "Patient/1", "search-value-id"),
        ("Patient", "general-practitioner", "a b", "search-value-reference"),
        ("Patient", "general-practitioner:Organization", "Patient/1", "search-value-reference"),
        ("Patient", "general-practitioner:Clinic", "1", "search-modifier-unknown"),
        ("Patient", "gender.name", "x", "search-chain-no-reference"),
        ("Condition", "subject:Patience.name", "x", "search-type-unknown"),
        ("Condition", "subject:Patient.nmae", "x", "search-parameter-unknown"),
        ("Patient", "_has:Observation:patient", "x", "search-has-malformed"),
        ("Patient", "_has:Observation:patent:code", "x", "search-parameter-unknown"),
        ("Patient", "_has:Observation:code:code", "x", "search-chain-no-reference"),
        ("Patient", "_include", "Patient", "search-include-malformed"),
        ("Patient", "_include", "Patient:nmae", "search-parameter-unknown"),
        ("Patient", "_include", "Patient:gender", "search-chain-no-reference"),
        ("Patient", "_include:loop", "Patient:link", "search-modifier-unknown"),
        ("Patient", "_sort", "nmae", "search-parameter-unknown"),
        ("Observation", "_sort", "code-value-quantity", "search-sort-unsupported"),
        ("Patient", "_count", "ten", "search-value-count"),
        ("Patient", "_count", "-1", "search-value-count"),
        ("Patient", "_total", "all", "search-value-choice"),
        ("Patient", "_summary", "yes", "search-value-choice"),
        ("RiskAssessment", "probability", "half", "search-value-number"),
        ("Observation", "value-quantity", "5|mg", "search-value-quantity"),
        ("Observation", "value-quantity", "5|http://x|", "search-value-quantity"),
        (None, "_type", "Patience", "search-type-unknown"),
        (None, "name", "x", "search-parameter-not-common"),
        ("Patient", "organization:Patient.name", "x", "search-type-no-target"),
        ("Patient", "organization:Patient", "a", "search-modifier-unknown"),
        ("Patient", "_has:Observation:device:code", "x", "search-type-no-target"),
    ],
)
def test_parse_search__names_the_fault(
    parameters: SearchParameters, resource_type: str | None, name: str, value: str, issue_id: str
) -> None:
    with pytest.raises(Refused) as refused:
        _parse(parameters, resource_type, (name, value))
    assert refused.value.status == 400
    assert [issue.id for issue in refused.value.issues] == [issue_id]


def test_parse_search__names_what_was_probably_meant(parameters: SearchParameters) -> None:
    with pytest.raises(Refused) as refused:
        _parse(parameters, "Patient", ("brithdate", "2020"))
    assert "birthdate" in refused.value.issues[0].hint()


def test_parse_search__reports_every_fault(parameters: SearchParameters) -> None:
    with pytest.raises(Refused) as refused:
        _parse(parameters, "Patient", ("a", "1"), ("gender", "male"), ("b", "2"))
    assert [issue.parameters["parameter"] for issue in refused.value.issues] == ["a", "b"]


def test_parse_search__lenient_drops_and_says_so(parameters: SearchParameters) -> None:
    request = _parse(
        parameters, "Location", ("nmae", "x"), ("name", "x"), ("_sort", "near"), lenient=True
    )
    assert request.self_query() == "name=x"
    assert [(issue.id, issue.severity) for issue in request.dropped] == [
        ("search-parameter-unknown", "warning"),
        ("search-sort-unsupported", "warning"),
    ]


def test_parse_search__lenient_does_not_widen_by_a_bad_value(parameters: SearchParameters) -> None:
    with pytest.raises(Refused):
        _parse(parameters, "Patient", ("birthdate", "soon"), lenient=True)


def test_parse_search__chain_is_bounded(parameters: SearchParameters) -> None:
    with pytest.raises(Refused) as refused:
        _parse(parameters, "Observation", ("has-member:Observation." * 20 + "code", "x"))
    assert refused.value.issues[0].id == "search-chain-too-deep"


def test_parse_search__page_size_is_bounded_and_the_self_link_says_so(
    parameters: SearchParameters,
) -> None:
    request = _parse(parameters, "Patient", ("_count", "1000000"))
    assert request.count == MAX_COUNT
    assert request.self_query() == f"_count={MAX_COUNT}"


def test_parse_search__contradicting_result_parameters_are_refused(
    parameters: SearchParameters,
) -> None:
    with pytest.raises(Refused) as refused:
        _parse(parameters, "Patient", ("_count", "1"), ("_count", "2"))
    assert refused.value.issues[0].id == "search-parameter-repeated"


def test_next_query__keeps_every_parameter(parameters: SearchParameters) -> None:
    pairs = [
        ("name", "a b&c"), ("birthdate", "ge2020-01-01T00:00:00+01:00"), ("_include", "Patient:link"),
        ("_sort", "-birthdate"), ("_count", "5"), ("_format", "json"), ("_total", "accurate"),
    ]  # fmt: skip
    request = _parse(parameters, "Patient", *pairs)
    assert request.next_query("xyz") == (
        "name=a%20b%26c&birthdate=ge2020-01-01T00:00:00%2B01:00&_include=Patient:link"
        "&_sort=-birthdate&_count=5&_format=json&_total=accurate&_cursor=xyz"
    )


def test_texts__every_search_issue_has_text_and_hint_in_both_languages() -> None:
    for issue_id, entry in texts().items():
        if issue_id.startswith("search-"):
            assert all(
                entry[language][part] for language in ("en", "fr") for part in ("text", "hint")
            ), issue_id


def test_parse_search__takes_what_holds_without_contained(parameters: SearchParameters) -> None:
    assert _parse(parameters, "Patient", ("_contained", "false")).predicate.predicates == ()


def test_next_query__holds_no_sign_that_a_uri_may_not_have(parameters: SearchParameters) -> None:
    pairs = [("code", "http://l|a"), ("_filter", 'code eq "b|c"')]
    query = _parse(parameters, "Observation", *pairs).next_query("x")
    assert re.fullmatch(r"(?:[A-Za-z0-9._~!$&'()*+,;=:@/?-]|%[0-9A-F]{2})+", query)
    assert parse_qsl(query)[:2] == pairs
