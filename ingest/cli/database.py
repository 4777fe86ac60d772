"""The database of a command: that of the settings, else that of the data directory."""

import contextlib
from collections.abc import Iterator

from fhir_server.settings import Settings, load_settings
from fhir_server.store.database import Database
from fhir_server.store.embedded_postgres import postgres_of


@contextlib.contextmanager
def journal_database(settings: Settings | None = None) -> Iterator[Database]:
    """A database that has been reached. Errors: OperatorError where there is none."""
    settings = settings or load_settings()
    with contextlib.ExitStack() as stack:
        url = settings.database_url or stack.enter_context(
            postgres_of(settings.data_dir, owner="osteon hl7v2")
        )
        database = stack.enter_context(Database.from_settings(url, settings))
        database.check()
        yield database
