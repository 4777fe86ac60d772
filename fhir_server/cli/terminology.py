"""`osteon terminology`: code systems, value sets and concept maps loaded into the data directory."""

from pathlib import Path
from typing import Annotated

import typer

from fhir_server.operator_error import InputFaultError

app = typer.Typer(
    help="Load code systems, value sets and concept maps.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.command(name="import")
def import_file(
    file: Annotated[
        Path,
        typer.Argument(help="A CSV file with a code system, or FHIR JSON: a resource or a Bundle."),
    ],
    *,
    system: Annotated[
        str | None, typer.Option("--system", metavar="URL", help="For CSV: the system's URL.")
    ] = None,
    version: Annotated[
        str | None, typer.Option("--version", help="For CSV: the version of the system.")
    ] = None,
    name: Annotated[
        str | None, typer.Option("--name", help="For CSV: the title of the system.")
    ] = None,
    fragment: Annotated[
        bool, typer.Option("--fragment", help="For CSV: only a part of the codes stands in it.")
    ] = False,
) -> None:
    """Load a CSV file or FHIR JSON.

    Columns of a CSV: code, display, parent (several with “|”), definition, designation:fr (and other
    languages), status, abstract; every other column is a property. The server and `osteon validate` know
    what is loaded at their next start.
    """
    from fhir_server.definitions.packages import PackageError
    from fhir_server.settings import load_settings
    from fhir_server.terminology.csv_source import CsvHead
    from fhir_server.terminology.imports import import_terminology

    head = CsvHead(system, version, name, is_complete=not fragment)
    try:
        for line in import_terminology(file, load_settings().data_dir, head):
            typer.echo(line)
    except PackageError as fault:
        raise InputFaultError(str(fault)) from None


@app.command(name="list")
def list_imports() -> None:
    """List what was loaded, the last first."""
    from fhir_server.definitions.installed import imported_terminology
    from fhir_server.definitions.pack import Pack
    from fhir_server.settings import load_settings

    found = [e for path in imported_terminology(load_settings().data_dir) for e in Pack(path)]
    for entry in found:
        typer.echo(f"{entry.resource_type} {_canonical(entry.url, entry.version)}  {entry.name}")
    if not found:
        typer.echo("Nothing was loaded.")


@app.command()
def remove(
    canonical: Annotated[str, typer.Argument(metavar="URL[|VERSION]", help="What to remove.")],
) -> None:
    """Remove what was loaded under a canonical URL."""
    from fhir_server.settings import load_settings
    from fhir_server.terminology.imports import remove_terminology

    gone = remove_terminology(canonical, load_settings().data_dir)
    if not gone:
        raise InputFaultError(f"nothing was loaded as {canonical}")
    for line in gone:
        typer.echo(f"{line} removed")


def _canonical(url: str, version: str) -> str:
    return f"{url}|{version}" if version else url
