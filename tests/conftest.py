"""What all tests share: property tests that repeat, an environment of their own, and PostgreSQL: one server
per test process, one database per test, cloned from a migrated one.
"""

import itertools
import os
import re
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from hypothesis import HealthCheck, settings

from fhir_server.store import migrations
from fhir_server.store.database import Database
from fhir_server.store.embedded_postgres import EmbeddedPostgres

# The same cases each time, and nothing that a slow machine could fail. `make explore` draws anew.
settings.register_profile(
    "repeatable",
    derandomize=True,
    deadline=None,
    database=None,
    print_blob=True,
    suppress_health_check=list(HealthCheck),
)
settings.register_profile("explore", settings.get_profile("repeatable"), derandomize=False)
settings.load_profile("repeatable")

_NOT_OURS = re.compile(
    r"OSTEON_|PROMETHEUS_|PG[A-Z]+$|.*_proxy$|(FORCE|PY|NO|CLI)_?COLORS?(_FORCE)?$|GITHUB_ACTIONS$"
    r"|COLUMNS$|LINES$|TTY_|TERMINAL_WIDTH$|_TYPER_",
    re.IGNORECASE,
)
"""Variables of the caller's shell that would reach into tests: settings of a server, ways to a database or
through a proxy, the look of a terminal.
"""

_TEMPLATE = "migrated"
_numbers = itertools.count(1)


def pytest_configure() -> None:
    """Leave behind what the caller's shell has set. It counts for the processes that tests start, too."""
    for name in list(os.environ):
        if _NOT_OURS.match(name):
            del os.environ[name]


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    """The server of this test process. It syncs nothing to disk."""
    server = EmbeddedPostgres(
        Path(tmp_path_factory.mktemp("postgres")), durable=False, owner="osteon tests"
    )
    server.start()
    # It would come at some moment: with statistics that change a plan, or in the way of a lock.
    _run_statement(server, "ALTER SYSTEM SET autovacuum = off")
    _run_statement(server, "SELECT pg_reload_conf()")
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
        # More threads than connections take turns, however slow each is.
        fresh.pool.timeout = 300.0
        yield fresh


def _new_database(postgres: EmbeddedPostgres, template: str) -> Iterator[str]:
    name = f"test_{next(_numbers)}"
    _run_statement(postgres, f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
    yield postgres.url(name)
    _run_statement(postgres, f"DROP DATABASE {name} WITH (FORCE)")


def _run_statement(postgres: EmbeddedPostgres, statement: str) -> None:
    with psycopg.connect(postgres.url("postgres"), autocommit=True) as connection:
        connection.execute(statement.encode())
