"""`osteon hl7v2 map --dry-run`: changed maps against the journal, without storing."""

from pathlib import Path

import typer

from fhir_server.model.issues import Language
from fhir_server.settings import load_settings
from ingest.cli.database import journal_database
from ingest.cli.options import Format, read_selection
from ingest.journal.dry_run import dry_run
from ingest.mapping import MapError, load_library
from ingest.mapping.explain import pretty_json
from ingest.maps import MapFaultError, current_maps


def print_dry_run(  # noqa: PLR0917 — the options of `osteon hl7v2 map`, as they stand there
    maps: Path | None,
    since: str | None,
    until: str | None,
    centre: str | None,
    message_type: str | None,
    output: str,
    language: Language,
) -> None:
    """Map the messages of the journal by the maps in force and by others, and print the differences."""
    selection = read_selection(since=since, until=until, centre=centre, message_type=message_type)
    settings = load_settings()
    in_force = current_maps(settings).library
    try:
        tried = load_library(maps) if maps else in_force
    except (MapError, OSError) as fault:
        raise MapFaultError(str(fault)) from None
    with journal_database(settings) as database, database.connection() as connection:
        report = dry_run(connection, selection, in_force, tried)
    if output == Format.JSON:
        typer.echo(pretty_json(report.as_json()))
        return
    for line in report.as_text(language):
        typer.echo(line)
