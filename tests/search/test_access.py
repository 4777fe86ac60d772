"""The ways in which a page is read must find the same, each resource once."""

import random
from typing import Any

import pytest

from fhir_server.search import access
from fhir_server.search.access import ByKey, InBlocks, way_of
from fhir_server.search.cursor import Cursor
from fhir_server.search.run import run_fragment
from fhir_server.search.select import select_page
from fhir_server.store import token_statistics as statistics_module
from fhir_server.store.keys import resource_key
from fhir_server.store.token_statistics import token_statistics
from tests.search.conftest import SearchStore
from tests.search.invented import coded, condition, observation, patient

COUNT = 150

QUERIES = [
    "Condition?code=c0",
    "Condition?code=c1,c2",
    "Condition?code=c0&clinical-status=active",
    "Condition?code=c0&clinical-status:not=active",
    "Condition?code=c0,c1&clinical-status=active&category=x",
    "Condition?code=c3&clinical-status=active",
    "Condition?recorded-date=ge2020",
    "Condition?recorded-date=ge2020&recorded-date=lt2022",
    "Patient?family=fa",
    "Patient?family:contains=abc",
    "Patient?name:contains=ab",
    "Observation?value-quantity=gt20",
    "Observation?value-quantity=ge20||mm",
    "Observation?value-quantity=lt20",
    "Observation?value-quantity=le-3",
    "Observation?value-quantity=eb20",
    "Observation?value-quantity=sa20",
    "Observation?value-quantity=ap20",
    "Observation?value-quantity=20",
    "Observation?value-quantity=gt-20",
    "Observation?value-quantity=ge0.5",
    "Patient?_has:Condition:subject:code=c3",
    "Patient?_has:Condition:subject:code=c0",
    "Condition?subject:Patient.gender=male",
    "Condition?subject:Patient.family=fa",
]


def _people(rng: random.Random) -> list[dict[str, Any]]:
    made: list[dict[str, Any]] = []
    for number in range(COUNT):
        names = [{"family": rng.choice(["Fa", "Fabc", "Gabc", "Hab"])} for _ in range(2)]
        gender = rng.choice(["male", "female"])
        made.append(patient(f"p{number}", name=names, gender=gender))
        made.append(
            condition(
                f"c{number}",
                subject={"reference": f"Patient/p{rng.randrange(COUNT)}"},
                code=coded("http://s", f"c{min(int(rng.paretovariate(0.7)) - 1, 9)}"),
                clinicalStatus=coded("http://t", rng.choice(["active", "active", "resolved"])),
                category=[coded("http://u", "x")],
                recordedDate=str(rng.randint(2018, 2024)),
            )
        )
        made.append(observation(f"o{number}", **_measured(rng)))
    return made


def _measured(rng: random.Random) -> dict[str, Any]:
    """Points of both signs, `<` and `>`, and samples whose range is wide or narrow."""
    value = rng.choice([rng.randint(-40, 40), 20, 0])
    match rng.randrange(6):
        case 0:
            return {"valueQuantity": {"value": value, "comparator": "<", "code": "mm"}}
        case 1:
            return {"valueQuantity": {"value": value, "comparator": ">", "code": "mm"}}
        case 2:
            data = f"{value} {value + rng.choice([1, 3, 90])}"
            origin = {"value": 0, "code": "mm"}
            samples = {"origin": origin, "period": 1, "dimensions": 1, "data": data}
            return {"valueSampledData": samples}
        case _:
            return {"valueQuantity": {"value": value, "code": "mm"}}


@pytest.fixture
def people(store: SearchStore, monkeypatch: pytest.MonkeyPatch) -> SearchStore:
    store.put(*_people(random.Random(7)))  # noqa: S311 — no secret
    with store.database.connection() as connection:
        connection.execute("VACUUM ANALYZE")
    monkeypatch.setattr(statistics_module, "_known", {})
    # So small a store would be read plainly.
    monkeypatch.setattr(access, "LEAST_MATCHES", 0)
    return store


def _way(store: SearchStore, query: str) -> access.Way:
    with store.database.connection() as connection:
        return way_of(store.request(query), 5, lambda: token_statistics(connection))


def _plainly(store: SearchStore, query: str) -> list[str]:
    statement = select_page(store.request(query), Cursor(0, ()), 10_000).statement
    with store.database.connection() as connection:
        return [
            f"{query.partition('?')[0]}/{row[2]}" for row in run_fragment(connection, statement)
        ]


def _paged(store: SearchStore, query: str, count: int) -> list[str]:
    return [one for page in store.pages(f"{query}&_count={count}") for one in page]


def test_pages__are_the_same_in_any_way(people: SearchStore) -> None:
    for query in QUERIES:
        found, plainly = _paged(people, query, 13), _plainly(people, query)
        assert plainly, query
        assert len(set(found)) == len(found), query
        assert sorted(found) == sorted(plainly), query
        if not isinstance(_way(people, query), ByKey):
            assert found == plainly, query


IN_PARTS = [
    "Patient?family:contains=abc",
    "Patient?name:contains=abc",
    "Patient?family:contains=never",
]


@pytest.mark.parametrize("query", IN_PARTS)
def test_pages__in_sections_of_keys_are_the_same(
    people: SearchStore, query: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(access, "LEAST_IN_SECTIONS", 0)
    way = _way(people, query)
    assert isinstance(way, ByKey)
    assert way.section(None) == -8
    assert [way.section(key) for key in (-1, 0, (1 << 63) - 1)] == [-1, 0, 7]
    for count in (1, 4, 13, 100):
        found = _paged(people, query, count)
        assert found == sorted(found, key=lambda one: resource_key(*one.split("/")))
        assert sorted(found) == sorted(_plainly(people, query))


def test_pages__very_many_keys_come_in_the_order_of_storing(
    people: SearchStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(access, "MOST_KEYS", 1)
    for query in QUERIES:
        assert _paged(people, query, 13) == _plainly(people, query), query


WRITTEN_MEANWHILE = [
    "Condition?code=c0&clinical-status=active",
    "Condition?recorded-date=ge2020",
    "Patient?family:contains=abc",
    "Observation?value-quantity=gt20",
    "Patient?_has:Condition:subject:code=c0",
]


@pytest.mark.parametrize("query", WRITTEN_MEANWHILE)
def test_pages__writes_meanwhile_lose_and_repeat_nothing(people: SearchStore, query: str) -> None:
    before = set(_plainly(people, query))
    again = _people(random.Random(8))  # noqa: S311 — no secret
    seen: list[str] = []
    for number, page in enumerate(people.pages(f"{query}&_count=20")):
        seen.extend(page)
        people.put(*({**one, "id": f"x{number}-{one['id']}"} for one in again[:30]))
    assert len(set(seen)) == len(seen)
    assert before <= set(seen)


def test_blocks__hold_too_few_and_all_behind_are_read(
    people: SearchStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(access, "MARGIN", 0.0)
    with people.database.connection() as connection:
        connection.execute("UPDATE resource SET sequence = sequence * 500")
    query = "Condition?code=c0&clinical-status=active"
    assert isinstance(_way(people, query), InBlocks)
    assert _paged(people, query, 7) == _plainly(people, query)


@pytest.mark.parametrize(
    ("query", "kind"),
    [
        ("Condition?code=c0", InBlocks),
        ("Condition?code=never", type(None)),
        ("Condition?code=c0&recorded-date=ge2020", type(None)),
        ("Condition?code=c0&_sort=recorded-date", type(None)),
        ("Condition?recorded-date=ge2020", ByKey),
        ("Patient?family=fa", ByKey),
        ("Patient?family=fa&gender=male", type(None)),
        ("Patient?_has:Condition:subject:code=c3", ByKey),
        ("?_lastUpdated=ge2020", type(None)),
    ],
)
def test_way__by_what_is_asked(people: SearchStore, query: str, kind: type) -> None:
    assert type(_way(people, query)) is kind


def test_by_key__goes_past_resources_that_are_gone(store: SearchStore) -> None:
    """A reference may lead to what is not stored or was deleted: such keys match nothing."""
    for number in range(30):
        store.put(condition(f"c{number}", subject={"reference": f"Patient/p{number}"},
                            code=coded("http://s", "x")))  # fmt: skip
    store.put(*(patient(f"p{number}") for number in range(0, 30, 3)))
    found = [page for page in store.pages("Patient?_has:Condition:subject:code=x&_count=4") if page]
    assert [len(page) for page in found] == [4, 4, 2]
    assert len({one for page in found for one in page}) == 10
