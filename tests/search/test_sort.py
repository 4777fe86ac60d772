"""The order of matches by tokens, references and several keys."""

from typing import Any

import pytest

from tests.search.conftest import SearchStore


def _observation(resource_id: str, **elements: Any) -> dict[str, Any]:
    return {"resourceType": "Observation", "id": resource_id, **elements}


@pytest.fixture
def observations(store: SearchStore) -> SearchStore:
    def code(*codes: str) -> dict[str, Any]:
        return {"coding": [{"system": "http://s", "code": one} for one in codes]}

    store.put(
        _observation("1", code=code("b", "z"), status="final", subject={"reference": "Patient/q"}),
        _observation("2", code=code("a"), status="amended", subject={"reference": "Patient/p"}),
        _observation("3", code=code("C"), status="final", subject={"reference": "Group/z"}),
        _observation("4", status="final", identifier=[{"value": "x2"}, {"value": "X9"}]),
        _observation("5", code=code("a"), status="registered", identifier=[{"value": "x1"}]),
        {"resourceType": "Patient", "id": "p", "active": True},
        {"resourceType": "Patient", "id": "q", "active": False},
        {"resourceType": "Group", "id": "z"},
    )
    return store


@pytest.mark.parametrize(
    ("sort", "order"),
    [
        ("code,_id", "25134"),
        ("-code,_id", "13254"),
        ("status,-_id", "24315"),
        ("-status,code,_id", "51342"),
        ("subject,_id", "32145"),
        ("-subject,_id", "12345"),
        ("identifier,_id", "54123"),
        ("-identifier,_id", "45123"),
    ],
)
def test_sort__by_tokens_and_references(observations: SearchStore, sort: str, order: str) -> None:
    """Of several values the first in the direction decides; those without come last."""
    found = observations.ordered(f"Observation?_sort={sort}")
    assert "".join(name.partition("/")[2] for name in found) == order


def test_sort__by_a_boolean(observations: SearchStore) -> None:
    assert observations.ordered("Patient?_sort=active") == ["Patient/q", "Patient/p"]


def test_sort__across_types(observations: SearchStore) -> None:
    found = observations.ordered("?_type=Patient,Observation&_sort=-_lastUpdated,_id")
    assert found[:2] == ["Observation/1", "Observation/2"]
    assert len(found) == 7
