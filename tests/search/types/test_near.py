from decimal import Decimal

import pytest

from tests.search.conftest import SearchStore


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("48.8566|2.3522|5|km", ["paris"]),
        ("48.8566|2.3522|395|km", ["lyon", "paris"]),
        ("48.8566|2.3522|390|km", ["paris"]),
        ("48.8566|2.3522", ["paris"]),
        ("45.764|4.8357|100|m", ["lyon"]),
    ],
)
def test_near__within_the_distance(store: SearchStore, value: str, found: list[str]) -> None:
    for name, latitude, longitude in (
        ("paris", "48.8566", "2.3522"),
        ("lyon", "45.7640", "4.8357"),
    ):
        position = {"latitude": Decimal(latitude), "longitude": Decimal(longitude)}
        store.put({"resourceType": "Location", "id": name, "position": position})
    assert store.find(f"Location?near={value}") == [f"Location/{one}" for one in found]
