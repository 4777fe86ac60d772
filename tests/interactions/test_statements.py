"""What an interaction costs in statements: for a transaction, a bound that its entries do not raise."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from starlette.testclient import TestClient

from fhir_server.http.app import create_app
from fhir_server.interactions.server import FhirServer

MOST_OF_A_TRANSACTION = 40


@pytest.fixture
def client(server: FhirServer) -> Iterator[TestClient]:
    """Nothing beside the requests: the reindexing thread looks for jobs every few seconds."""
    with TestClient(create_app(server, reindexes=False)) as client:
        yield client


@contextmanager
def counted(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The statements that all cursors execute meanwhile."""
    statements: list[str] = []
    execute = psycopg.Cursor.execute

    def recording(cursor: Any, query: Any, *arguments: Any, **options: Any) -> Any:
        statements.append(str(query))
        return execute(cursor, query, *arguments, **options)

    with monkeypatch.context() as patched:
        patched.setattr(psycopg.Cursor, "execute", recording)
        yield statements


def transaction(patients: int, label: str) -> dict[str, Any]:
    """Each patient by a conditional create, with an observation and a conditional reference to another."""
    entries: list[dict[str, Any]] = []
    for number in range(patients):
        identifier = f"urn:test|{label}-{number}"
        full_url = f"urn:uuid:00000000-0000-4000-8000-{number:012}"
        entries += [
            {
                "fullUrl": full_url,
                "resource": {
                    "resourceType": "Patient",
                    "identifier": [{"system": "urn:test", "value": f"{label}-{number}"}],
                },
                "request": {"method": "POST", "url": "Patient",
                            "ifNoneExist": f"identifier={identifier}"},
            },
            {
                "resource": {
                    "resourceType": "Observation", "status": "final", "code": {"text": "invented"},
                    "subject": {"reference": full_url},
                    "performer": [{"reference": f"Patient?identifier={identifier}"}],
                },
                "request": {"method": "POST", "url": "Observation"},
            },
        ]  # fmt: skip
    return {"resourceType": "Bundle", "type": "transaction", "entry": entries}


def test_transaction__statements_do_not_grow_with_the_entries(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    counts: list[int] = []
    for patients in (1, 60):
        with counted(monkeypatch) as statements:
            answer = client.post("/fhir", json=transaction(patients, f"n{patients}"))
        assert answer.status_code == 200, answer.text
        counts.append(len(statements))
    assert counts[0] == counts[1] <= MOST_OF_A_TRANSACTION


def test_read__is_one_statement(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    client.put("/fhir/Patient/one", json={"resourceType": "Patient", "id": "one"})
    with counted(monkeypatch) as statements:
        assert client.get("/fhir/Patient/one").status_code == 200
    assert len(statements) == 1
