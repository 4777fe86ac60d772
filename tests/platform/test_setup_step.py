from typing import Any

import pytest

from fhir_server.cli import setup_step
from fhir_server.cli.setup_step import run_setup_steps
from fhir_server.operator_error import OperatorError
from fhir_server.settings import load_settings
from fhir_server.store.database import Database


class Entry:
    """An entry point that gives a Bundle with one Organization."""

    name = "test"

    def __init__(self, organization: dict[str, Any]) -> None:
        self._organization = {"resourceType": "Organization", **organization}

    def load(self) -> Any:
        return lambda: {
            "resourceType": "Bundle",
            "type": "transaction",
            "entry": [
                {
                    "resource": self._organization,
                    "request": {"method": "PUT", "url": f"Organization/{self._organization['id']}"},
                }
            ],
        }


@pytest.fixture
def run_with(database: Database, monkeypatch: pytest.MonkeyPatch) -> Any:
    def run(organization: dict[str, Any]) -> list[str]:
        monkeypatch.setattr(setup_step, "entry_points", lambda **_: [Entry(organization)])
        return run_setup_steps(load_settings(), database)

    return run


def _versions(database: Database) -> list[int]:
    with database.connection() as connection:
        rows = connection.execute("SELECT version FROM resource WHERE id = 'one'").fetchall()
    return [row[0] for row in rows]


def test_setup_step__is_carried_out_once(run_with: Any, database: Database) -> None:
    assert run_with({"id": "one", "name": "One"}) == ["test"]
    assert run_with({"id": "one", "name": "One"}) == []
    assert _versions(database) == [1]


def test_setup_step__is_carried_out_again_when_changed(run_with: Any, database: Database) -> None:
    run_with({"id": "one", "name": "One"})
    assert run_with({"id": "one", "name": "Two"}) == ["test"]
    assert _versions(database) == [2]


def test_setup_step__refused_bundle_is_told(run_with: Any, database: Database) -> None:
    with pytest.raises(OperatorError, match="the set-up step test was refused: "):
        run_with({"id": "one", "nmae": "One"})
    assert _versions(database) == []


def test_setup_step__loads_the_centre_register(database: Database) -> None:
    assert run_setup_steps(load_settings(), database) == ["centres"]
    with database.connection() as connection:
        assert connection.execute("SELECT count(*) FROM resource").fetchone() == (24,)
