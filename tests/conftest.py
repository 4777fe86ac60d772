"""PostgreSQL for tests: one server per test process, one database per test, cloned from a migrated one."""

import itertools
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from fhir_server.store import migrations
from fhir_server.store.database import Database
from fhir_server.store.embedded_postgres import EmbeddedPostgres

_TEMPLATE = "migrated"
_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    """The server of this test process. It syncs nothing to disk."""
    server = EmbeddedPostgres(
        Path(tmp_path_factory.mktemp("postgres")), durable=False, owner="osteon tests"
    )
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def template_database(postgres: EmbeddedPostgres) -> str:
    """The name of a database with all migrations, which nobody is connected to."""
    _run_statement(postgres, f"CREATE DATABASE {_TEMPLATE}")
    migrations.upgrade(postgres.url(_TEMPLATE))
    return _TEMPLATE


@pytest.fixture
def empty_database_url(postgres: EmbeddedPostgres) -> Iterator[str]:
    """The URL of a database without tables."""
    yield from _new_database(postgres, "template0")


@pytest.fixture
def database_url(postgres: EmbeddedPostgres, template_database: str) -> Iterator[str]:
    """The URL of a fresh database with all migrations."""
    yield from _new_database(postgres, template_database)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """A fresh database with all migrations."""
    with Database(database_url, pool_size=4) as fresh:
        yield fresh


def _new_database(postgres: EmbeddedPostgres, template: str) -> Iterator[str]:
    name = f"test_{next(_numbers)}"
    _run_statement(postgres, f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
    yield postgres.url(name)
    _run_statement(postgres, f"DROP DATABASE {name} WITH (FORCE)")


def _run_statement(postgres: EmbeddedPostgres, statement: str) -> None:
    with psycopg.connect(postgres.url("postgres"), autocommit=True) as connection:
        connection.execute(statement.encode())
