from typing import Any

import psycopg
import pytest

from fhir_server.search.run import run_search
from fhir_server.store.token_statistics import token_statistics
from tests.search.conftest import SearchStore

COUNT = 23


@pytest.fixture
def people(store: SearchStore) -> SearchStore:
    """Patients with equal, different and missing names and dates of birth."""
    patients: list[dict[str, Any]] = []
    for number in range(COUNT):
        patient: dict[str, Any] = {"resourceType": "Patient", "id": f"p{number}"}
        if number % 5:
            patient["birthDate"] = f"19{50 + number % 4}"
        if number % 4:
            patient["gender"] = ("male", "female", "other")[number % 3]
            patient["generalPractitioner"] = [{"reference": f"Practitioner/d{number % 4}"}]
            patient["identifier"] = [{"system": "http://s", "value": f"I{number % 9}"}]
        if number % 3:
            patient["name"] = [{"family": f"F{number % 7}"}, {"family": f"G{number % 2}"}]
        patients.append(patient)
    store.put(*patients, *({"resourceType": "Practitioner", "id": f"d{one}"} for one in range(3)))
    return store


SORTS = [
    "",
    "birthdate",
    "-birthdate",
    "family",
    "-family",
    "family,-birthdate",
    "-birthdate,family",
    "_lastUpdated,-family",
    "-_lastUpdated",
    "_id",
    "-_id,birthdate",
    "gender",
    "-gender,_id",
    "gender,-birthdate,family",
    "general-practitioner",
    "-general-practitioner,gender",
    "family,-gender",
    "identifier",
    "-identifier,-_lastUpdated",
    "-_lastUpdated,_id",
]


@pytest.mark.parametrize("sort", SORTS)
def test_pages__give_every_match_once_in_the_order_of_one_page(
    people: SearchStore, sort: str
) -> None:
    query = f"Patient?_sort={sort}&_count=" if sort else "Patient?_count="
    paged = [one for page in people.pages(f"{query}4") for one in page]
    assert paged == people.ordered(f"{query}1000")
    assert len(set(paged)) == len(paged) == COUNT


@pytest.mark.parametrize("sort", SORTS)
def test_pages__writes_meanwhile_lose_and_repeat_nothing(people: SearchStore, sort: str) -> None:
    query = f"Patient?_sort={sort}&_count=5" if sort else "Patient?_count=5"
    seen: list[str] = []
    for number, page in enumerate(people.pages(query)):
        seen.extend(page)
        people.put({"resourceType": "Patient", "id": f"new{number}", "birthDate": "1952"})
        with people.database.connection() as connection:
            connection.execute(
                "UPDATE resource SET version = version + 1 WHERE id = %s", (f"p{number}",)
            )
    before = [one for one in seen if "/new" not in one]
    assert sorted(before) == sorted(f"Patient/p{number}" for number in range(COUNT))
    assert len(set(seen)) == len(seen)


@pytest.mark.parametrize(
    ("sort", "first", "last"),
    [("birthdate", "1950", None), ("-birthdate", "1953", None)],
)
def test_sort__those_without_value_come_last(
    people: SearchStore, sort: str, first: str, last: None
) -> None:
    found = people.ordered(f"Patient?_sort={sort}")
    without = {f"Patient/p{number}" for number in range(0, COUNT, 5)}
    assert set(found[-len(without) :]) == without
    assert people.ordered(f"Patient?birthdate={first}")[0] in found[:6]


def test_sort__range_and_order_on_one_parameter(people: SearchStore) -> None:
    found = people.ordered("Patient?birthdate=ge1951&birthdate=lt1953&_sort=-birthdate")
    years = {f"Patient/p{n}": 1950 + n % 4 for n in range(COUNT) if n % 5}
    assert [years[one] for one in found] == sorted(
        (year for year in years.values() if 1951 <= year < 1953), reverse=True
    )


def test_sort__several_values_count_by_the_first_in_order(store: SearchStore) -> None:
    store.put(
        {"resourceType": "Patient", "id": "1", "name": [{"family": "B"}, {"family": "D"}]},
        {"resourceType": "Patient", "id": "2", "name": [{"family": "C"}, {"family": "A"}]},
    )
    assert store.ordered("Patient?_sort=family") == ["Patient/2", "Patient/1"]
    assert store.ordered("Patient?_sort=-family") == ["Patient/1", "Patient/2"]


class _CountingConnection(psycopg.Connection[Any]):
    statements = 0

    def execute(self, *args: Any, **kwargs: Any) -> Any:
        type(self).statements += 1
        return super().execute(*args, **kwargs)


@pytest.mark.parametrize(
    ("query", "most"),
    [
        ("Patient?family=f1", 1),
        ("Patient?family=f1&_count=1&_total=accurate", 2),
        ("Patient?birthdate=1951&_sort=birthdate", 1),
        ("Patient?_sort=birthdate&_count=5", 1),
        ("Patient?_sort=birthdate", 2),
        # A chain asks first whether such references lead to contained resources.
        ("Patient?_has:Condition:subject:code=x&general-practitioner.name=y", 2),
        ("Patient?_revinclude=Condition:subject&_include=Patient:organization", 2),
        ("Patient?_summary=count", 1),
    ],
)
def test_run_search__statements(people: SearchStore, query: str, most: int) -> None:
    request = people.request(query)
    with _CountingConnection.connect(people.database.url, autocommit=True) as connection:
        # Read once in ten minutes.
        token_statistics(connection)
        _CountingConnection.statements = 0
        run_search(connection, request)
    assert _CountingConnection.statements <= most
