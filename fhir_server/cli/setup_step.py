"""What is loaded into the store when the server starts: the entry points of the group `osteon.setup`.

An entry is a function without arguments that gives a transaction Bundle; the centre register of `ingest`
comes in this way. A Bundle is carried out once, and again when it has changed. This runs as a process of
its own, so that the supervisor stays small.
"""

import hashlib
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import entry_points
from typing import Any

from fhir_server.log_lines import configure_logging
from fhir_server.model.issues import Refused
from fhir_server.model.json_source import encode_json
from fhir_server.operator_error import OperatorError
from fhir_server.settings import Settings, load_settings
from fhir_server.store.database import Connection, Database

ENTRY_POINT_GROUP = "osteon.setup"
BundleSource = Callable[[], dict[str, Any]]

_FIND = "SELECT fingerprint FROM setup_step WHERE name = %s"
_STORE = """
INSERT INTO setup_step (name, fingerprint, done) VALUES (%s, %s, now())
ON CONFLICT (name) DO UPDATE SET fingerprint = excluded.fingerprint, done = excluded.done
"""


@dataclass(frozen=True, slots=True)
class SetupStep:
    """A Bundle to be carried out. `fingerprint` is the SHA-256 of its JSON."""

    name: str
    bundle: dict[str, Any]
    fingerprint: bytes


def main() -> None:
    """Carry out what is new or has changed. A fault ends the process with a clear line."""
    settings = load_settings()
    configure_logging(settings)
    try:
        with Database.from_settings(str(settings.database_url), settings) as database:
            run_setup_steps(settings, database)
    except OperatorError as error:
        sys.exit(f"osteon: {error}")


def run_setup_steps(settings: Settings, database: Database) -> list[str]:
    """The names of the steps that were due and were carried out. Errors: OperatorError."""
    due = list(_due_steps(database))
    if not due:
        return []
    # Imported here: most starts have nothing to load, and the server's parts take a second.
    from fhir_server.interactions.server import open_server
    from fhir_server.interactions.transaction import transaction

    server = open_server(settings, database)
    for step in due:
        try:
            transaction(server, step.bundle, also=_note(step))
        except Refused as refused:
            faults = "; ".join(issue.text() for issue in refused.issues)
            raise OperatorError(f"the set-up step {step.name} was refused: {faults}") from None
    return [step.name for step in due]


def _due_steps(database: Database) -> Iterator[SetupStep]:
    for entry in sorted(entry_points(group=ENTRY_POINT_GROUP), key=lambda entry: entry.name):
        source: BundleSource = entry.load()
        bundle = source()
        step = SetupStep(entry.name, bundle, hashlib.sha256(encode_json(bundle)).digest())
        with database.connection() as connection:
            found = connection.execute(_FIND, [step.name]).fetchone()
        if found is None or found[0] != step.fingerprint:
            yield step


def _note(step: SetupStep) -> Callable[[Connection, Any], None]:
    """Note the step in the transaction that carries it out."""

    def note(connection: Connection, _answers: object) -> None:
        connection.execute(_STORE, [step.name, step.fingerprint])

    return note


if __name__ == "__main__":
    main()
