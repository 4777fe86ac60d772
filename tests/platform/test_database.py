from contextlib import suppress

import psycopg
import pytest

from fhir_server.store.database import Database, DatabaseUnavailableError


def test_transaction__commits_at_the_end(database: Database) -> None:
    with database.transaction() as connection:
        connection.execute("CREATE TABLE note (text text)")
    with database.connection() as connection:
        assert connection.execute("SELECT count(*) FROM note").fetchone() == (0,)


def test_transaction__exception_rolls_back(database: Database) -> None:
    with suppress(ZeroDivisionError), database.transaction() as connection:
        connection.execute("CREATE TABLE note (text text)")
        raise ZeroDivisionError
    with database.connection() as connection:
        assert connection.execute("SELECT to_regclass('note')").fetchone() == (None,)


def test_connection__settings_of_the_store_hold(database: Database) -> None:
    names = ("plan_cache_mode", "jit", "TimeZone", "statement_timeout")
    with database.connection() as connection:
        shown = [connection.execute(f"SHOW {name}".encode()).fetchone() for name in names]
    assert shown == [("force_custom_plan",), ("off",), ("UTC",), ("30s",)]


def test_connection__statement_ends_at_the_timeout(database_url: str) -> None:
    with (
        Database(database_url, statement_timeout_s=0.05) as hasty,
        hasty.connection() as connection,
        pytest.raises(psycopg.errors.QueryCanceled),
    ):
        connection.execute("SELECT pg_sleep(600)")


def test_check__unreachable_database_is_named_without_password() -> None:
    with (
        Database("postgresql://osteon:secret@127.0.0.1:1/none") as nowhere,
        pytest.raises(
            DatabaseUnavailableError, match=r"osteon:…@127.0.0.1:1/none cannot be reached"
        ) as caught,
    ):
        nowhere.check()
    assert "secret" not in str(caught.value)
    assert "\n" not in str(caught.value)
