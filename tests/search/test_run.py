import pytest

from fhir_server.model.issues import Refused
from fhir_server.search.run import match_resources
from tests.search.conftest import SearchStore


def test_list__gives_its_entries(network: SearchStore) -> None:
    entries = [{"item": {"reference": one}} for one in ("Patient/2", "Condition/c1")]
    network.put({"resourceType": "List", "id": "l", "entry": entries})
    assert network.find("Patient?_list=l") == ["Patient/2"]
    assert network.find("?_list=l&_type=Patient,Condition") == ["Condition/c1", "Patient/2"]


def test_system__searches_all_types(network: SearchStore) -> None:
    assert network.find("?_id=1,c1,o1") == ["Condition/c1", "Observation/o1", "Patient/1"]
    assert network.find("?_type=Condition,Observation&subject=Patient/2") == [
        "Condition/c2", "Observation/o3",
    ]  # fmt: skip


def test_total__as_asked(network: SearchStore) -> None:
    assert network.search("Observation?_count=1").total is None
    assert network.search("Observation").total == 3
    assert network.search("Observation?_count=1&_total=accurate").total == 3
    assert (network.search("Observation?_count=1&_total=estimate").total or 0) >= 2
    counted = network.search("Observation?_summary=count&code=a")
    assert (counted.total, counted.matches) == (1, ())
    assert network.search("Observation?_count=0").total == 3


def test_match_resources__stops_at_the_limit(network: SearchStore) -> None:
    with network.database.connection() as connection:
        found = match_resources(connection, network.request("Observation?code:missing=false"))
    assert len(found) == 2


def test_cursor__of_another_search_or_changed_is_refused(network: SearchStore) -> None:
    cursor = network.search("Observation?_count=1").next_cursor or ""
    first, second = network.ordered("Observation?_count=2")
    assert network.find(f"Observation?_count=1&_cursor={cursor}") == [second] != [first]
    bad = [
        f"Observation?_count=1&code=a&_cursor={cursor}",
        f"Observation?_count=1&_cursor={cursor[:-2]}AA",
        "Observation?_count=1&_cursor=%C3%A9",
        "Observation?_count=1&_cursor=",
    ]
    for query in bad:
        with pytest.raises(Refused) as refused:
            network.search(query)
        assert (refused.value.status, refused.value.issues[0].id) == (400, "search-cursor-invalid")
