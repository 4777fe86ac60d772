"""Totals by kept bits must be those of reading all matches, whatever was written meanwhile."""

from dataclasses import replace

import psycopg
import pytest
from msgspec import structs

from fhir_server.search import totals
from fhir_server.search.run import run_fragment, run_search
from fhir_server.search.select import plan_request, select_count
from fhir_server.search.totals import planes_of, select_total
from fhir_server.store import token_blocks
from fhir_server.store import token_statistics as statistics_module
from fhir_server.store.expunge import expunge_resources
from fhir_server.store.index_rows import replace_rows
from fhir_server.store.keys import resource_key
from fhir_server.store.resources import NewVersion, lock_resources, write_versions
from fhir_server.store.token_blocks import keep_token_blocks
from fhir_server.store.token_statistics import TokenStatistics, token_statistics
from tests.search.conftest import SearchStore
from tests.search.invented import coded, condition, patient

QUERIES = [
    "Condition?code=c0",
    "Condition?code=c0,c1",
    "Condition?code=c0&clinical-status=active",
    "Condition?code=c0&clinical-status:not=active",
    "Condition?code=c1,c2&clinical-status=active,resolved&clinical-status:not=resolved",
    "Condition?clinical-status:not=active",
    "Condition?code=never",
    "Condition",
    "Patient",
    "?_type=Condition,Patient",
]
OTHERS = [
    "Condition?code=c0&subject:Patient.gender=male",
    "Condition?code=c0&_lastUpdated=gt2000",
    "Condition?code=c0&_id=c1",
    "?",
]


def _condition(number: int, code: int) -> dict[str, object]:
    status = "active" if number % 3 else "resolved"
    return condition(
        f"c{number}", code=coded("http://s", f"c{code}"), clinicalStatus=coded("http://t", status)
    )


@pytest.fixture
def counted(store: SearchStore, monkeypatch: pytest.MonkeyPatch) -> SearchStore:
    """A store over several blocks whose totals were asked for, and are kept."""
    # So small a store would be read plainly.
    monkeypatch.setattr(totals, "LEAST_ROWS", 0)
    monkeypatch.setattr(totals, "LEAST_SHARE", 0.0)
    monkeypatch.setattr(statistics_module, "_known", {})
    store.put(*(_condition(number, number % 4) for number in range(60)))
    store.put(*(patient(f"p{number}") for number in range(10)))
    with store.database.connection() as connection:
        connection.execute("UPDATE resource SET sequence = sequence * 150")
    for query in QUERIES:
        _total(store, query)
    _keep(store)
    return store


def _keep(store: SearchStore) -> None:
    with store.database.connection() as connection:
        keep_token_blocks(connection)


def _total(store: SearchStore, query: str) -> int:
    request = replace(store.request(query), count=0, total="accurate")
    with store.database.connection() as connection:
        total = run_search(connection, request).total
    assert total is not None
    return total


def _plainly(store: SearchStore, query: str) -> int:
    with store.database.connection() as connection:
        rows = run_fragment(connection, select_count(store.request(query)))
    return int(rows[0][0])


def _is_kept(store: SearchStore, query: str) -> bool:
    plan = plan_request(store.request(query))
    with store.database.connection() as connection:
        planes = planes_of(plan, token_statistics(connection))
        assert planes is not None, query
        return bool(run_fragment(connection, select_total(plan, planes))[0][1])


def _check(store: SearchStore) -> None:
    for query in QUERIES:
        assert _is_kept(store, query), query
        assert _total(store, query) == _plainly(store, query), query


def _put_again(connection: psycopg.Connection, store: SearchStore, number: int, code: int) -> None:
    """A new version of a condition with another code; deleted where the code is negative."""
    key = resource_key("Condition", f"c{number}")
    old = lock_resources(connection, [key])[key]
    resource = _condition(number, code)
    new = structs.replace(old, version=old.version + 1, deleted=code < 0)
    rows = None if code < 0 else store.indexer.rows(resource)
    write_versions(connection, [NewVersion(new, old, rows)])


def test_total__is_that_of_all_matches(counted: SearchStore) -> None:
    assert _total(counted, "Condition?code=c0") == 15
    _check(counted)


def test_total__knows_every_kind_of_write(counted: SearchStore) -> None:
    keys = [resource_key("Condition", f"c{number}") for number in (8, 12)]
    counted.put(*(_condition(number, 0) for number in range(100, 120)))
    with counted.database.transaction() as connection:
        _put_again(connection, counted, 0, 1)
        _put_again(connection, counted, 4, -1)
        expunge_resources(connection, keys[:1])
        lock_resources(connection, keys)
        replace_rows(connection, {keys[1]: counted.indexer.rows(_condition(12, 3))})
    assert _total(counted, "Condition?code=c0") == 15 + 20 - 4
    _check(counted)
    _keep(counted)
    assert _total(counted, "Condition?code=c0") == 15 + 20 - 4
    _check(counted)


def test_total__writer_that_began_before_the_count_ends_after_it(counted: SearchStore) -> None:
    with counted.database.transaction() as writer:
        _put_again(writer, counted, 0, 1)
        with counted.database.connection() as connection:
            # Its block is counted anew for another's sake, without what is not committed.
            connection.execute(
                "INSERT INTO changed_block SELECT sequence >> 10 FROM resource WHERE id = 'c0'"
            )
            connection.execute("UPDATE kept_token SET built = FALSE")
            connection.execute("DELETE FROM token_block")
        _keep(counted)
        assert _total(counted, "Condition?code=c0") == 15
    assert _total(counted, "Condition?code=c0") == 14
    _check(counted)
    _keep(counted)
    _check(counted)


def test_total__of_what_is_not_kept_is_read_and_noted(counted: SearchStore) -> None:
    counted.put(*(_condition(number, 7) for number in range(200, 205)))
    assert not _is_kept(counted, "Condition?code=c7")
    assert _total(counted, "Condition?code=c7") == 5
    _keep(counted)
    assert _is_kept(counted, "Condition?code=c7")
    assert _total(counted, "Condition?code=c7") == 5


def test_total__with_many_changed_blocks_is_read(
    counted: SearchStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(totals, "MOST_CHANGED", 0)
    counted.put(_condition(300, 0))
    assert not _is_kept(counted, "Condition?code=c0")
    assert _total(counted, "Condition?code=c0") == 16


def test_total__inside_a_transaction_notes_nothing(counted: SearchStore) -> None:
    request = replace(counted.request("Condition?code=c8"), count=0)
    with counted.database.transaction() as connection:
        assert run_search(connection, request).total == 0
        noted = connection.execute("SELECT count(*) FROM kept_token WHERE NOT built").fetchone()
    assert noted == (0,)


def test_keep__builds_no_token_that_another_process_has_built(counted: SearchStore) -> None:
    with counted.database.connection() as connection:
        for token, number in connection.execute("SELECT token, type FROM kept_token").fetchall():
            token_blocks._build(connection, token, number)
    _check(counted)


def test_keep__forgets_after_some_weeks(counted: SearchStore) -> None:
    with counted.database.connection() as connection:
        connection.execute("UPDATE kept_token SET since = since - interval '31 days'")
        keep_token_blocks(connection)
        left = connection.execute("SELECT count(*) FROM token_block").fetchone()
    assert left == (0,)
    assert _total(counted, "Condition?code=c0") == 15


@pytest.mark.parametrize("query", OTHERS)
def test_planes__only_of_tokens_and_types(store: SearchStore, query: str) -> None:
    plan = plan_request(store.request(query))
    known = TokenStatistics(1e6, dict.fromkeys(plan.contains, 0.5), {})
    assert planes_of(plan, known) is None


def test_planes__rare_tokens_and_small_stores_are_read(store: SearchStore) -> None:
    plan = plan_request(store.request("Condition?code=c0"))
    token = plan.contains[0]
    assert planes_of(plan, TokenStatistics(1e6, {token: 0.5}, {})) is not None
    assert planes_of(plan, TokenStatistics(1e6, {token: 0.0001}, {})) is None
    assert planes_of(plan, TokenStatistics(1e3, {token: 0.5}, {})) is None


@pytest.mark.parametrize(
    ("query", "total"),
    [
        ("Condition?_type=Patient&code=c0", 0),
        ("Condition?_filter=_type eq Patient and code eq c0", 0),
        ("?_type=Condition,Patient&_filter=_type eq Patient and _tag eq t", 1),
        ("Condition?_filter=_type eq Patient and _type eq Condition and _type eq Condition", 0),
    ],
)
def test_total__is_of_the_types_that_all_conditions_name(
    counted: SearchStore, query: str, total: int
) -> None:
    tagged = {"meta": {"tag": [{"system": "http://t", "code": "t"}]}}
    counted.put(patient("tagged", **tagged), condition("tagged", **tagged))
    for _ in range(2):
        assert _total(counted, query) == total
        assert len(counted.find(query)) == total
        _keep(counted)
