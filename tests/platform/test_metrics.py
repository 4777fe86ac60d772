from dataclasses import dataclass

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from fhir_server.http import health, metrics
from fhir_server.model.figures import Figure
from fhir_server.settings import Settings, load_settings
from fhir_server.store.database import Database

INSERT_MESSAGE = """
INSERT INTO ingest_message (sender, hash, control_id, application, facility, type, centre, connection,
                            received, raw, order_keys, state, issues)
VALUES (1, '\\x00', %s, '', '', 'ADT^A01', %s, '', now(), '', '{}', %s, '[]')
"""


@dataclass(frozen=True)
class Parts:
    settings: Settings
    database: Database


def _client(database: Database) -> TestClient:
    parts = Parts(load_settings(), database)
    return TestClient(Starlette(routes=[*metrics.routes(parts), *health.routes(parts)]))


def test_metrics__count_requests_by_interaction_and_status(database: Database) -> None:
    metrics.observe_interaction("counted", 404, 0.003)
    page = _client(database).get("/metrics").text
    assert 'osteon_http_requests_total{interaction="counted",status="404"} 1.0' in page
    assert 'osteon_http_request_seconds_bucket{interaction="counted",le="0.005"} 1.0' in page


def test_metrics__tell_of_the_pool(database: Database) -> None:
    page = _client(database).get("/metrics").text
    assert "osteon_pool_connections" in page


def test_metrics__count_the_journal_by_centre_and_state(database: Database) -> None:
    with database.transaction() as connection:
        for control_id, centre, state in [
            ("1", "LYO", "held"),
            ("2", "LYO", "held"),
            ("3", None, "held"),
        ]:
            connection.execute(INSERT_MESSAGE, [control_id, centre, state])
    page = _client(database).get("/metrics").text
    assert 'osteon_journal_messages{centre="LYO",state="held"} 2.0' in page
    assert 'osteon_journal_messages{centre="unknown",state="held"} 1.0' in page


def test_metrics__a_broken_source_leaves_the_others(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_connection: object) -> list[Figure]:
        raise RuntimeError("Dupont")

    monkeypatch.setattr(metrics, "_sources", lambda: {"broken": broken})
    answer = _client(database).get("/metrics")
    assert answer.status_code == 200
    assert "osteon_pool_connections" in answer.text


def test_ready__database_without_tables_is_not(empty_database_url: str) -> None:
    with Database(empty_database_url) as database:
        answer = _client(database).get("/health/ready")
    assert answer.status_code == 503
    assert answer.json()["checks"]["database"] == "ok"
    assert answer.json()["checks"]["migrations"] != "ok"


def test_ready__unreachable_database_is_named_but_its_address_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("fhir_server.store.database.CONNECT_TIMEOUT_S", 1)
    with Database("postgresql://osteon@127.0.0.1:1/none") as database:
        answer = _client(database).get("/health/ready")
    assert answer.status_code == 503
    assert answer.json()["checks"]["database"] == "the database does not answer"
    assert "127.0.0.1" not in answer.text


def test_live__needs_no_database() -> None:
    with Database("postgresql://osteon@127.0.0.1:1/none") as database:
        assert _client(database).get("/health/live").json() == {"status": "ok"}
