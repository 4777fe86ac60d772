import pytest

from tests.search.conftest import SearchStore
from tests.search.invented import patient


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("family=lefe", ["a", "b"]),
        ("family=LEFÈ", ["a", "b"]),
        ("family:exact=Lefèvre", ["a"]),
        ("family:exact=lefèvre", []),
        ("family:contains=fevr", ["a"]),
        ("family=fevre", []),
        ("name=anne", ["a"]),
        ("given=anne,paul", ["a", "b"]),
        ("name=100%25", ["c"]),
        ("name=100_", []),
        ("address-city=par", ["b"]),
        ("address=rue", ["b"]),
    ],
)
def test_string__matches(store: SearchStore, query: str, found: list[str]) -> None:
    store.put(
        patient("a", name=[{"family": "Lefèvre", "given": ["Marie", "Anne"]}]),
        patient(
            "b",
            name=[{"family": "Lefebure", "given": ["Paul"]}],
            address=[{"city": "Paris", "line": ["Rue du Bac"]}],
        ),
        patient("c", name=[{"text": "100% x"}, {"text": "1000"}]),
    )
    assert store.find(f"Patient?{query}") == [f"Patient/{one}" for one in sorted(found)]


def test_string__long_text_is_found_by_any_part(store: SearchStore) -> None:
    text = " ".join(f"word{number}" for number in range(400))
    store.put({"resourceType": "ValueSet", "id": "a", "status": "draft", "description": text})
    assert store.find("ValueSet?description=word0 word1") == ["ValueSet/a"]
    assert store.find("ValueSet?description:contains=ord398 word39") == ["ValueSet/a"]
    assert store.find("ValueSet?description:contains=word400") == []


def test_string__texts_of_codes_are_not_kept_by_their_parts(store: SearchStore) -> None:
    store.put(
        patient("a", name=[{"family": "Lefèvre"}], maritalStatus={"text": "not asked in parts"},
                identifier=[{"system": "s", "value": "1", "type": {"text": "a number"}}]),
    )  # fmt: skip
    with store.database.connection() as connection:
        kept = connection.execute(
            "SELECT DISTINCT value FROM search_string WHERE in_parts"
        ).fetchall()
        rest = connection.execute("SELECT value FROM search_string WHERE NOT in_parts").fetchall()
    assert kept == [("lefevre",)]
    assert {value for (value,) in rest} == {"a number", "1"}
