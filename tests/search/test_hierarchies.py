"""`:above` and `:below` on references: along a hierarchy, over the versions of a canonical."""

from typing import Any

import pytest

from fhir_server.model.issues import Refused
from fhir_server.search import settled
from tests.search.conftest import BASE_URL, SearchStore

Json = dict[str, Any]


def location(own_id: str, part_of: str | None = None) -> Json:
    found: Json = {"resourceType": "Location", "id": own_id, "name": own_id}
    return found | ({"partOf": {"reference": f"Location/{part_of}"}} if part_of else {})


def procedure(own_id: str, place: str) -> Json:
    return {
        "resourceType": "Procedure", "id": own_id, "status": "completed",
        "subject": {"reference": "Patient/1"}, "location": {"reference": place},
    }  # fmt: skip


def encounter(own_id: str, part_of: str | None = None) -> Json:
    found: Json = {"resourceType": "Encounter", "id": own_id, "status": "finished"}
    return found | ({"partOf": {"reference": f"Encounter/{part_of}"}} if part_of else {})


def report(own_id: str, *urls: str) -> Json:
    return {
        "resourceType": "CarePlan", "id": own_id, "status": "active", "intent": "plan",
        "subject": {"reference": "Patient/1"}, "instantiatesCanonical": list(urls),
    }  # fmt: skip


@pytest.fixture
def hospital(store: SearchStore) -> SearchStore:
    store.put(
        location("house"), location("floor", "house"), location("room", "floor"), location("garden"),
        procedure("p1", "Location/house"), procedure("p2", f"{BASE_URL}/Location/floor"),
        procedure("p3", "Location/room"), procedure("p4", "Location/garden"),
        encounter("stay"), encounter("visit", "stay"),
        {"resourceType": "Observation", "id": "o", "status": "final", "code": {"text": "x"},
         "encounter": {"reference": "Encounter/stay"}},
        report("u", "http://x/p"), report("v1", "http://x/p|1.0"), report("v11", "http://x/p|1.1.2"),
        report("v2", "http://x/p|2.0"), report("v10", "http://x/p|10"), report("y", "http://y/p|1.0"),
    )  # fmt: skip
    return store


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("Procedure?location:below=house", ["Procedure/p1", "Procedure/p2", "Procedure/p3"]),
        ("Procedure?location:below=Location/floor", ["Procedure/p2", "Procedure/p3"]),
        (f"Procedure?location:below={BASE_URL}/Location/floor", ["Procedure/p2", "Procedure/p3"]),
        ("Procedure?location:below=room,garden", ["Procedure/p3", "Procedure/p4"]),
        ("Procedure?location:above=floor", ["Procedure/p1", "Procedure/p2"]),
        ("Procedure?location:below=absent", []),
        ("Location?partof:below=house", ["Location/floor", "Location/room"]),
        ("Observation?encounter:above=visit", ["Observation/o"]),
        ("Observation?encounter:below=visit", []),
        ("Location?_has:Procedure:location:location:below=floor", ["Location/floor", "Location/room"]),
        ("CarePlan?instantiates-canonical:below=http://x/p",
         ["CarePlan/u", "CarePlan/v1", "CarePlan/v10", "CarePlan/v11", "CarePlan/v2"]),
        ("CarePlan?instantiates-canonical:below=http://x/p|1", ["CarePlan/v1", "CarePlan/v11"]),
        ("CarePlan?instantiates-canonical:below=http://x/p|1.1", ["CarePlan/v11"]),
        ("CarePlan?instantiates-canonical:below=http://x/p|1.0", ["CarePlan/v1"]),
    ],
)  # fmt: skip
def test_hierarchy__is_searched(hospital: SearchStore, query: str, found: list[str]) -> None:
    assert hospital.find(query) == found


def test_hierarchy__ends_in_a_cycle(store: SearchStore) -> None:
    store.put(location("a", "b"), location("b", "a"), procedure("p", "Location/b"))
    assert store.find("Procedure?location:below=a") == ["Procedure/p"]
    assert store.find("Procedure?location:above=a") == ["Procedure/p"]


def test_hierarchy__that_is_too_large_is_refused(
    hospital: SearchStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settled, "MOST_IN_HIERARCHY", 2)
    with pytest.raises(Refused) as refused:
        hospital.find("Procedure?location:below=house")
    assert [issue.id for issue in refused.value.issues] == ["search-hierarchy-too-large"]


@pytest.mark.parametrize(
    ("query", "issue"),
    [
        ("Procedure?subject:below=Patient/1", "search-modifier-unknown"),
        ("Procedure?location:below=Patient/1", "search-value-reference-hierarchy"),
        ("Procedure?location:below=http://elsewhere/Location/1", "search-value-reference-hierarchy"),
        ("CarePlan?instantiates-canonical:above=http://x/p", "search-modifier-unknown"),
        ("Procedure?location:above=", "search-value-empty"),
    ],
)  # fmt: skip
def test_hierarchy__elsewhere_is_refused(store: SearchStore, query: str, issue: str) -> None:
    with pytest.raises(Refused) as refused:
        store.request(query)
    assert [one.id for one in refused.value.issues] == [issue]
