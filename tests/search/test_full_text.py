"""`_text` and `_content`."""

from typing import Any

import pytest

from fhir_server.interactions.capabilities import capability_statement
from fhir_server.interactions.server import open_server
from fhir_server.model.issues import Refused
from fhir_server.search.full_text import MAX_WORDS, text_query, text_vector
from fhir_server.search.request import parse_search
from fhir_server.settings import Settings
from fhir_server.store.database import Database
from tests.search.conftest import SearchStore

XHTML = 'xmlns="http://www.w3.org/1999/xhtml"'


def _condition(resource_id: str, div: str | None = None, **elements: Any) -> dict[str, Any]:
    text = {} if div is None else {"text": {"div": f"<div {XHTML}>{div}</div>"}}
    return {"resourceType": "Condition", "id": resource_id, **text, **elements}


@pytest.fixture
def conditions(store: SearchStore) -> SearchStore:
    store.put(
        _condition("a", "<p>Ostéosarcome du <b>fémur</b> d&#x27;emblée</p>", note=[{"text": "Biopsie"}]),
        _condition("b", code={"coding": [{"code": "C40.2", "display": "Osteosarcoma of femur"}]}),
        _condition("c", "<p>Fibula</p>", subject={"reference": "Patient/p"}),
        {"resourceType": "Patient", "id": "p", "name": [{"family": "Müller-Ñandú"}],
         "birthDate": "1970-02-01"},
    )  # fmt: skip
    return store


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("_content=femur", "ab"),
        ("_content=FÉMUR", "ab"),
        ("_text=femur", "a"),
        ("_text=biopsie", ""),
        ("_content=biopsie", "a"),
        ("_content=femur biopsie", "a"),
        ("_content=biopsie OR fibula", "ac"),
        ("_content=biopsie,fibula", "ac"),
        ("_content=femur -biopsie", "b"),
        ("_content=femur NOT biopsie", "b"),
        ("_content=osteosarc*", "ab"),
        ("_text=osteosarc*", "a"),
        ('_content="osteosarcoma of"', "b"),
        ("_content=C40.2", "b"),
        ("_content=emblee", "a"),
        ("_content=femur&code=C40.2", "b"),
        ("subject:Patient._content=muller", "c"),
        ("_content=1970", ""),
        ("_content=div", ""),
        ("_content=it's%20a%20'quote%5C", ""),
    ],
)
def test_text__finds_words(conditions: SearchStore, query: str, found: str) -> None:
    names = conditions.find(f"Condition?{query}".replace(" ", "%20"))
    assert "".join(name.partition("/")[2] for name in names) == found


def test_text__is_forgotten_with_the_words(conditions: SearchStore) -> None:
    with conditions.database.transaction() as connection:
        rows = connection.execute("SELECT count(*) FROM search_text").fetchone()
    assert rows == (4,)


@pytest.mark.parametrize("value", ["", "…", "-", "AND", '""'])
def test_text__without_a_word_is_refused(conditions: SearchStore, value: str) -> None:
    with pytest.raises(Refused):
        conditions.find(f"Condition?_content={value}")


def test_text_vector__is_bounded() -> None:
    many = [{"text": f"w{number}"} for number in range(MAX_WORDS + 500)]
    assert text_vector({"resourceType": "Condition", "note": many}).count(" ") == MAX_WORDS - 1


def test_text_vector__of_long_words_fits_into_a_tsvector(conditions: SearchStore) -> None:
    many = [{"text": chr(0x20000 + number) * 48} for number in range(9_000)]
    vector = text_vector({"resourceType": "Condition", "note": many})
    with conditions.database.connection() as connection:
        row = connection.execute("SELECT length(%s::tsvector)", (vector,)).fetchone()
    assert row == (vector.count(" ") + 1,)


def test_text_query__of_several_alternatives() -> None:
    assert text_query("a b OR c", narrative=False) == "(('a') & ('b')) | (('c'))"
    assert text_query("a*", narrative=True) == "(('>a':*))"


def test_text__that_is_not_indexed_is_refused_and_not_claimed() -> None:
    server = open_server(Settings(full_text=False), Database("postgresql:///never-opened"))
    rest = capability_statement(server)["rest"][0]
    condition = next(one for one in rest["resource"] if one["type"] == "Condition")
    assert not {"_text", "_content"} & {one["name"] for one in condition["searchParam"]}
    assert (
        server.search.current.indexer.rows({**_condition("a"), "note": [{"text": "x"}]}).texts == []
    )
    with pytest.raises(Refused):
        parse_search(
            server.parameters, "Condition", [("_content", "x")], lenient=False, base_url=""
        )
