import os
from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from fhir_server.store.database import Database
from fhir_server.store.history import read_instance_history
from fhir_server.store.keys import resource_key
from fhir_server.store.resources import (
    KeyCollisionError,
    NewVersion,
    StoredResource,
    WriteConflictError,
    lock_resources,
    read_resource,
    read_version,
    write_versions,
)

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


class Rows:
    """Index rows of one resource, one row for each table."""

    tokens = (1, -2, 3)
    dates = ((7, 10, 20), (7, 10, 20))
    numbers = ((8, 1, 2),)
    quantities = ((9, 5, 1, 2),)
    strings = ((10, "alpha", True),)
    references = ((11, 99),)
    texts = (("'alpha'",),)
    codes = ((12, 3, "beta"),)


def version(resource_id: str, number: int, *, deleted: bool = False) -> StoredResource:
    key = resource_key("Patient", resource_id)
    body = None if deleted else b'{"resourceType":"Patient","v":%d}' % number
    updated = NOON + timedelta(hours=number)
    return StoredResource(key, "Patient", resource_id, number, updated, deleted, body)


def write(database: Database, *resources: StoredResource) -> None:
    with database.transaction() as connection:
        locked = lock_resources(connection, [resource.key for resource in resources])
        write_versions(
            connection,
            [NewVersion(r, locked.get(r.key), None if r.deleted else Rows()) for r in resources],
        )


def test_write_versions__current_version_is_read_byte_for_byte(database: Database) -> None:
    write(database, version("a", 1), version("b", 1))
    with database.connection() as connection:
        assert read_resource(connection, "Patient", "a") == version("a", 1)
        assert read_resource(connection, "Patient", "c") is None
        assert read_resource(connection, "Group", "a") is None


def test_write_versions__superseded_versions_stay_readable(database: Database) -> None:
    for number in (1, 2):
        write(database, version("a", number))
    write(database, version("a", 3, deleted=True))
    with database.connection() as connection:
        assert [read_version(connection, "Patient", "a", n) for n in (1, 2, 3, 4)] == [
            version("a", 1),
            version("a", 2),
            version("a", 3, deleted=True),
            None,
        ]
        newest = read_instance_history(connection, "Patient", "a", limit=2)
        below = newest[-1].place
        rest = read_instance_history(connection, "Patient", "a", below=below, limit=2)
    assert [v.stored.version for v in newest] == [3, 2]
    assert [v.stored.version for v in rest] == [1]


def test_write_versions__time_line_has_no_gap(database: Database) -> None:
    write(database, version("a", 1))
    write(database, version("a", 2))
    with database.connection() as connection:
        row = connection.execute("SELECT updated, superseded FROM resource_history").fetchone()
    assert row == (version("a", 1).updated, version("a", 2).updated)


@pytest.mark.parametrize(
    "table",
    ["search_date", "search_number", "search_quantity", "search_string", "search_reference"],
)
def test_write_versions__index_rows_are_those_of_the_current_version(
    database: Database, table: str
) -> None:
    count = f"SELECT count(*) FROM {table}".encode()  # noqa: S608 — a name of the schema
    for number, deleted, expected in ((1, False, 1), (2, False, 1), (3, True, 0)):
        write(database, version("a", number, deleted=deleted))
        with database.connection() as connection:
            assert connection.execute(count).fetchone() == (expected,)


def test_write_versions__tokens_are_emptied_by_a_deletion(database: Database) -> None:
    for number, deleted, expected in ((1, False, [1, -2, 3]), (2, True, [])):
        write(database, version("a", number, deleted=deleted))
        with database.connection() as connection:
            assert connection.execute("SELECT tokens FROM resource").fetchone() == (expected,)


def test_write_versions__row_that_appeared_meanwhile_is_a_conflict(database: Database) -> None:
    write(database, version("a", 1))
    with pytest.raises(WriteConflictError), database.transaction() as connection:
        write_versions(connection, [NewVersion(version("a", 1), None, None)])


def test_write_versions__key_of_another_resource_is_a_collision(database: Database) -> None:
    other = StoredResource(version("a", 1).key, "Group", "z", 1, NOON, deleted=False, body=b"{}")
    with pytest.raises(KeyCollisionError), database.transaction() as connection:
        write_versions(connection, [NewVersion(version("a", 2), other, None)])


def test_write_versions__large_bodies_are_stored_letter_for_letter(database: Database) -> None:
    """Beside a small one and a deletion, each in its own place."""
    large = os.urandom(2_000_000)
    bodies = [b'{"a": 1}', large, None, large[::-1]]
    resources = [
        replace(version(f"p{n}", 1), body=body, deleted=body is None)
        for n, body in enumerate(bodies)
    ]
    write(database, *resources)
    with database.connection() as connection:
        found = [read_resource(connection, "Patient", one.id) for one in resources]
    assert [one.body for one in found if one] == bodies
