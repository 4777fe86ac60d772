"""`osteon db`: the tables of the database."""

import sys

import typer

from fhir_server.cli.database import reachable_database

app = typer.Typer(
    help="Look after the tables of the database.", no_args_is_help=True, rich_markup_mode=None
)


@app.command()
def upgrade() -> None:
    """Bring the tables to the newest revision."""
    from fhir_server.store import migrations

    with reachable_database("osteon db") as url:
        before = migrations.status(url)
        after = migrations.upgrade(url)
    if before.is_current:
        typer.echo(f"The tables are at revision {after.current}, the newest.")
    else:
        typer.echo(f"The tables went from revision {before.current or 'none'} to {after.current}.")


@app.command()
def status() -> None:
    """Show the revision of the tables.

    Exit code 3 where it is not the newest.
    """
    from fhir_server.store import migrations

    with reachable_database("osteon db") as url:
        found = migrations.status(url)
    typer.echo(
        f"The tables are at revision {found.current or 'none'}; the newest is {found.newest}."
    )
    if not found.is_current:
        sys.stderr.write("osteon: run `osteon db upgrade`\n")
        raise typer.Exit(3)
