"""What is loaded into the database at each start: the entry points of the group `osteon.setup`.

An entry is a function that takes the settings and the database and may be called again at any time; the
centre register of `ingest` comes in this way. It runs as a process of its own, so that the supervisor
stays small.
"""

import sys
from collections.abc import Callable
from importlib.metadata import entry_points

from fhir_server.log_lines import configure_logging
from fhir_server.model.issues import Refused
from fhir_server.operator_error import OperatorError
from fhir_server.settings import Settings, load_settings
from fhir_server.store.database import Database

ENTRY_POINT_GROUP = "osteon.setup"
SetupStep = Callable[[Settings, Database], None]


def main() -> None:
    """Run all steps. A refused resource or an operator's error ends the process with a clear line."""
    settings = load_settings()
    configure_logging(settings)
    assert settings.database_url is not None  # noqa: S101 — the supervisor sets it
    with Database.from_settings(settings.database_url, settings) as database:
        for entry in sorted(entry_points(group=ENTRY_POINT_GROUP), key=lambda entry: entry.name):
            step: SetupStep = entry.load()
            try:
                step(settings, database)
            except Refused as refused:
                sys.exit(
                    f"osteon: {entry.name}: " + " ".join(issue.text() for issue in refused.issues)
                )
            except OperatorError as error:
                sys.exit(f"osteon: {entry.name}: {error}")


if __name__ == "__main__":
    main()
