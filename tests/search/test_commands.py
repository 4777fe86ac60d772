"""`osteon explain` and `osteon reindex` on a store."""

import pytest

from fhir_server.cli.main import run
from tests.search.conftest import SearchStore


@pytest.fixture
def settings(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OSTEON_DATABASE_URL", database_url)
    monkeypatch.setenv("OSTEON_BASE_URL", "http://osteon.test/fhir")


@pytest.mark.usefixtures("settings")
def test_explain__shows_the_plan(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["explain", "Condition?code=secret&_sort=-recorded-date", "--analyze"]) == 0
    shown = capsys.readouterr().out
    assert all(
        part in shown for part in ("HasToken", "date descending", "SELECT r.key", "actual time")
    )
    assert "secret" not in shown


@pytest.mark.usefixtures("settings")
@pytest.mark.parametrize("query", ["Conditoin?code=x", "Condition?nothing=x"])
def test_explain__of_what_is_no_search_ends_with_1(query: str) -> None:
    assert run(["explain", query]) == 1


@pytest.mark.usefixtures("settings")
def test_reindex__mends_the_index(store: SearchStore, capsys: pytest.CaptureFixture[str]) -> None:
    store.put({"resourceType": "Patient", "id": "a", "gender": "male"})
    with store.database.connection() as connection:
        connection.execute("UPDATE resource SET tokens = '{}'")
    assert store.find("Patient?gender=male") == []
    assert run(["reindex", "--type", "Patient"]) == 0
    assert "completed: 1 resources looked at, 1 changed" in capsys.readouterr().out
    assert store.find("Patient?gender=male") == ["Patient/a"]
    assert run(["reindex", "--type", "Patinet"]) == 1


def test_contains__goes_by_trigrams(store: SearchStore) -> None:
    with store.database.connection() as connection:
        connection.execute(
            "INSERT INTO search_string SELECT i, 7, md5(i::text) FROM generate_series(1, 20000) i"
        )
        connection.execute("ANALYZE search_string")
        plan = connection.execute(
            "EXPLAIN SELECT key FROM search_string "
            "WHERE in_parts AND parameter = 7 AND value LIKE '%c4ca4238%'"
        ).fetchall()
    assert any("search_string_trigrams" in line for (line,) in plan)
