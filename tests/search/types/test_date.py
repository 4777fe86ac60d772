import pytest

from tests.search.conftest import SearchStore
from tests.search.invented import condition, patient


@pytest.mark.parametrize(
    ("value", "found"),
    [
        # R4 §3.1.1.4.5: the range of the search value against the range of the target.
        ("2020", ["year", "month", "day", "time"]),
        ("eq2020-03", ["month", "day", "time"]),
        ("2020-03-05", ["day", "time"]),
        ("ne2020-03", ["year", "open", "period"]),
        ("gt2020-03", ["year", "open", "period"]),
        ("lt2020-03", ["year", "period"]),
        ("ge2020-03-05", ["year", "month", "day", "time", "open", "period"]),
        ("le2020-03-05", ["year", "month", "day", "time", "period"]),
        ("sa2020-03-04", ["day", "time", "open"]),
        ("eb2020-03-06", ["day", "time"]),
        ("2020-03-05T10:30:00Z", ["time"]),
        ("2020-03-05T12:30:00%2B02:00", ["time"]),
        ("2020-03-05T12:30:00+02:00", ["time"]),
        ("2020-03-05T10:30", ["time"]),
        ("2019,2020-03-05", ["day", "time"]),
    ],
)
def test_date__comparators(store: SearchStore, value: str, found: list[str]) -> None:
    store.put(
        condition("year", onsetDateTime="2020"),
        condition("month", onsetDateTime="2020-03"),
        condition("day", onsetDateTime="2020-03-05"),
        condition("time", onsetDateTime="2020-03-05T10:30:00Z"),
        condition("open", onsetPeriod={"start": "2021"}),
        condition("period", onsetPeriod={"start": "2019-01", "end": "2020-06"}),
        condition("none", onsetString="long ago"),
    )
    assert store.find(f"Condition?onset-date={value}") == sorted(
        f"Condition/{one}" for one in sorted(found)
    )


def test_date__approximate_widens_by_a_tenth_of_the_gap_to_now(store: SearchStore) -> None:
    store.put(condition("a", onsetDateTime="1990"), condition("b", onsetDateTime="1950"))
    assert store.find("Condition?onset-date=ap1992-06") == ["Condition/a"]


def test_date__two_limits_on_one_value(store: SearchStore) -> None:
    store.put(condition("a", recordedDate="2020-05"), condition("b", recordedDate="2021-05"))
    query = "Condition?recorded-date=ge2020&recorded-date=lt2021"
    assert store.find(query) == ["Condition/a"]


def test_date__two_limits_may_meet_different_values(store: SearchStore) -> None:
    """Of a repeating element each limit may be met by another value."""
    goal = {"resourceType": "Goal", "id": "a", "target": [{"dueDate": "2010"}, {"dueDate": "2030"}]}
    store.put(goal)
    assert store.find("Goal?target-date=gt2020&target-date=lt2015") == ["Goal/a"]


def test_date__timing_counts_by_its_outer_limits(store: SearchStore) -> None:
    timing = {"event": ["2020-01-05", "2020-03-05"]}
    store.put({"resourceType": "ServiceRequest", "id": "a", "occurrenceTiming": timing})
    assert store.find("ServiceRequest?occurrence=2020") == ["ServiceRequest/a"]
    assert store.find("ServiceRequest?occurrence=2020-01") == []


def test_last_updated__comparators(store: SearchStore) -> None:
    store.put(patient("a"), updated="2024-01-01T10:00:00.500")
    store.put(patient("b"), updated="2024-01-02T10:00:00")
    assert store.find("Patient?_lastUpdated=2024-01-01") == ["Patient/a"]
    assert store.find("Patient?_lastUpdated=2024-01-01T10:00:00Z") == ["Patient/a"]
    assert store.find("Patient?_lastUpdated=gt2024-01-01") == ["Patient/b"]
    assert store.find("Patient?_lastUpdated=ge2024&_lastUpdated=lt2024-01-02") == ["Patient/a"]
    assert store.ordered("Patient?_sort=-_lastUpdated") == ["Patient/b", "Patient/a"]
