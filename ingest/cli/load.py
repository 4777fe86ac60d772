"""`osteon hl7v2 load`: messages of files and folders straight into the journal."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from fhir_server.settings import load_settings
from ingest.cli.database import journal_database
from ingest.cli.speech import Language, Speech
from ingest.journal.loading import Loaded, load_messages, read_messages
from ingest.journal.reception import Reception
from ingest.maps import current_maps

EXIT_INPUT = 1


def load(
    paths: Annotated[
        list[Path],
        typer.Argument(
            help="Files with messages, bare or as FHS/BHS batches, and folders of such files.",
            exists=True,
        ),
    ],
    *,
    language: Speech = Language.EN,
) -> None:
    """Put the messages of files into the journal; workers store them.

    What is there already is told and not taken twice, so a load that was cut off is simply repeated. Ends
    with 1 when a file or a message cannot be read.
    """
    settings = load_settings()
    reception = Reception(current_maps(settings).register)
    counts: Counter[str] = Counter()
    with journal_database(settings) as database, database.connection() as connection:
        for path in files_of(paths):
            file = read_messages(path.read_bytes())
            for fault in file.faults:
                counts["files not taken"] += 1
                issue = fault.issue()
                typer.echo(f"{path}: {issue.text(language.value)}", err=True)
            if not file.faults:
                loaded = load_messages(connection, reception, file.messages, f"file {path.name}")
                counts.update(_told(path, one, language) for one in loaded)
    total = sum(counts.values()) - counts["files not taken"]
    parts = ", ".join(f"{count} {name}" for name, count in sorted(counts.items()))
    typer.echo(f"{total} messages: {parts}" if parts else "no message")
    if counts["rejected"] or counts["files not taken"] or not counts:
        raise typer.Exit(EXIT_INPUT)


def _told(path: Path, one: Loaded, language: Language) -> str:
    if one.journalled.duplicate:
        return "known already"
    if one.record.state == "rejected":
        for issue in one.record.issues:
            place = f" {issue.expression}" if issue.expression else ""
            typer.echo(
                f"{path}: {one.record.control_id or '?'}{place}: {issue.text(language.value)}",
                err=True,
            )
        return "rejected"
    return "taken"


def files_of(paths: list[Path]) -> Iterator[Path]:
    """The files, those of folders at any depth in the order of their names; hidden ones are left out."""
    for path in paths:
        if path.is_dir():
            yield from sorted(
                found
                for found in path.rglob("*")
                if found.is_file() and not found.name.startswith(".")
            )
        else:
            yield path
