"""Migrations of the tables: explicit operations, one line of history, safe to start twice at once.

A new one is a file `versions/vNNNN_what_it_does.py`, whose revision is the number.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

VERSIONS = Path(__file__).parent / "versions"
LOCK_NUMBER = 0x4F5354454F4E
"""The advisory lock that one migrating process holds: the letters OSTEON."""


@dataclass(frozen=True, slots=True)
class MigrationStatus:
    """The revision a database is at, None for an empty one, and the newest that this Osteon knows."""

    current: str | None
    newest: str

    @property
    def is_current(self) -> bool:
        """Whether nothing is to be done."""
        return self.current == self.newest


def newest_revision() -> str:
    """The last revision. Cost: a folder listing; the file names carry the numbers."""
    return max(path.name[1:].split("_", 1)[0] for path in VERSIONS.glob("v[0-9]*_*.py"))


def status(url: str) -> MigrationStatus:
    """Where a database stands. Errors: psycopg.OperationalError."""
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT to_regclass('alembic_version')").fetchone()
        if row is None or row[0] is None:
            return MigrationStatus(None, newest_revision())
        found = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        return MigrationStatus(found[0] if found else None, newest_revision())


def upgrade(url: str) -> MigrationStatus:
    """Bring a database to the newest revision; processes that start together wait for one another."""
    before = status(url)
    if before.is_current:
        return before
    # Imported here: alembic and SQLAlchemy take most of a second, and most starts have nothing to do.
    from alembic import command
    from sqlalchemy import create_engine, text

    engine = create_engine(sqlalchemy_url(url))
    try:
        with engine.connect() as connection:
            connection.execute(text("SELECT pg_advisory_lock(:number)"), {"number": LOCK_NUMBER})
            connection.commit()
            command.upgrade(_configuration(connection), "head")
            connection.commit()
    finally:
        engine.dispose()
    return status(url)


def sqlalchemy_url(url: str) -> str:
    """The URL as SQLAlchemy wants it: with the driver's name."""
    return "postgresql+psycopg:" + url.partition(":")[2]


def _configuration(connection: Any) -> Any:
    from alembic.config import Config

    configuration = Config()
    configuration.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    configuration.set_main_option("path_separator", "os")
    configuration.attributes["connection"] = connection
    return configuration
