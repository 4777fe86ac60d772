from concurrent.futures import ThreadPoolExecutor

import psycopg
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine

from fhir_server.store import migrations
from fhir_server.store.migrations import newest_revision, sqlalchemy_url, status, upgrade
from fhir_server.store.resource_types import RESOURCE_TYPES
from fhir_server.store.schema import metadata


def test_upgrade__empty_database_becomes_current(empty_database_url: str) -> None:
    assert status(empty_database_url).current is None
    assert upgrade(empty_database_url).is_current


def test_upgrade__started_at_once_runs_once(empty_database_url: str) -> None:
    with ThreadPoolExecutor(4) as executor:
        found = list(executor.map(upgrade, [empty_database_url] * 4))
    assert {one.current for one in found} == {newest_revision()}


def test_upgrade__makes_the_tables_of_the_schema(database_url: str) -> None:
    engine = create_engine(sqlalchemy_url(database_url))
    with engine.connect() as connection:
        differences = compare_metadata(MigrationContext.configure(connection), metadata)
    engine.dispose()
    assert differences == []


def test_migrations__history_is_one_line() -> None:
    script = ScriptDirectory(str(migrations.VERSIONS.parent))
    revisions = [revision.revision for revision in script.walk_revisions()]
    assert revisions == sorted(revisions, reverse=True)
    assert script.get_heads() == [newest_revision()]


def upgrade_to(url: str, revision: str) -> None:
    """Bring an empty database to an earlier revision."""
    engine = create_engine(sqlalchemy_url(url))
    with engine.connect() as connection:
        command.upgrade(migrations._configuration(connection), revision)
        connection.commit()
    engine.dispose()


def test_upgrade__asks_to_index_what_is_stored(empty_database_url: str) -> None:
    upgrade_to(empty_database_url, "0010")
    with psycopg.connect(empty_database_url) as connection:
        connection.execute(
            "INSERT INTO resource (key, type, id, version, updated, deleted, tokens) "
            "VALUES (1, 3, 'a', 1, now(), false, '{}')"
        )
    upgrade(empty_database_url)
    with psycopg.connect(empty_database_url) as connection:
        jobs = connection.execute("SELECT cardinality(types), state FROM reindex_job").fetchall()
    assert jobs == [(len(RESOURCE_TYPES), "queued")]
