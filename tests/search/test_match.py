"""Any number of criteria, matched together."""

from fhir_server.search.match import match_each
from tests.search.conftest import SearchStore


def patient(resource_id: str, number: str, gender: str = "male") -> dict[str, object]:
    return {
        "resourceType": "Patient",
        "id": resource_id,
        "gender": gender,
        "birthDate": "2001-02-03",
        "identifier": [{"system": "urn:x", "value": number}],
    }


def test_match_each__gives_the_matches_of_each_in_order(store: SearchStore) -> None:
    store.put(patient("a", "1"), patient("b", "2"), patient("c", "2"), patient("d", "4", "female"))
    queries = [
        "Patient?identifier=urn:x|9",
        "Patient?identifier=urn:x|1",
        "Patient?identifier=urn:x|2",
        "Patient?identifier=urn:x|4,urn:x|8",
        "Patient?gender=female&identifier=urn:x|4",
        "Patient?birthdate=2001&identifier=urn:x|1",
        "Condition?identifier=urn:x|1",
    ]
    with store.database.connection() as connection:
        found = match_each(connection, [store.request(query) for query in queries])
    assert [sorted(match.id for match in matches) for matches in found] == [
        [],
        ["a"],
        ["b", "c"],
        ["d"],
        ["d"],
        ["a"],
        [],
    ]


def test_match_each__of_nothing_asks_nothing(store: SearchStore) -> None:
    with store.database.connection() as connection:
        assert match_each(connection, []) == []
