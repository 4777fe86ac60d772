"""The frame of every process that works beside the web process: settings, log, database, and clear faults."""

import sys
from collections.abc import Callable

from fhir_server.log_lines import configure_logging
from fhir_server.operator_error import OperatorError
from fhir_server.settings import Settings, load_settings


def run_background_process(name: str, work: Callable[[Settings, str], None]) -> None:
    """Load the settings and work on their database until the work ends.

    A fault of the set-up is one line on stderr that begins with `osteon <name>`, and the exit code that
    belongs to it. Parts of the server that are slow to import are best imported by `work` itself.
    """
    try:
        settings = load_settings()
        configure_logging(settings)
        work(settings, _database_url(settings))
    except OperatorError as error:
        sys.stderr.write(f"osteon {name}: {error}\n")
        sys.exit(error.exit_code)


def _database_url(settings: Settings) -> str:
    from fhir_server.store.embedded_postgres import running_url

    url = settings.database_url or running_url(settings.data_dir)
    if url is None:
        raise OperatorError(
            f"no database: start `osteon serve` on {settings.data_dir} or set OSTEON_DATABASE_URL"
        )
    return url
