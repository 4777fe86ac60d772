"""The database that the settings name, for commands beside the server."""

import contextlib
from collections.abc import Iterator


@contextlib.contextmanager
def reachable_database(owner: str) -> Iterator[str]:
    """The URL of the database, reached once; the embedded one runs meanwhile, for the command `owner`."""
    from fhir_server.settings import load_settings
    from fhir_server.store.database import Database
    from fhir_server.store.embedded_postgres import postgres_of

    settings = load_settings()
    with contextlib.ExitStack() as stack:
        url = settings.database_url or stack.enter_context(
            postgres_of(settings.data_dir, owner=owner)
        )
        stack.enter_context(Database.from_settings(url, settings)).check()
        yield url
