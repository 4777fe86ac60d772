"""`osteon db`: the tables of the database."""

import contextlib
import sys
from collections.abc import Iterator

import typer

app = typer.Typer(
    help="Look after the tables of the database.", no_args_is_help=True, rich_markup_mode=None
)


@app.command()
def upgrade() -> None:
    """Bring the tables to the newest revision."""
    from fhir_server.store import migrations

    with _reachable_database() as url:
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

    with _reachable_database() as url:
        found = migrations.status(url)
    typer.echo(
        f"The tables are at revision {found.current or 'none'}; the newest is {found.newest}."
    )
    if not found.is_current:
        sys.stderr.write("osteon: run `osteon db upgrade`\n")
        raise typer.Exit(3)


@contextlib.contextmanager
def _reachable_database() -> Iterator[str]:
    """The URL of the database that the settings name, reached once; the embedded one runs meanwhile."""
    from fhir_server.settings import load_settings
    from fhir_server.store.database import Database
    from fhir_server.store.embedded_postgres import postgres_of

    settings = load_settings()
    with contextlib.ExitStack() as stack:
        url = settings.database_url or stack.enter_context(
            postgres_of(settings.data_dir, owner="osteon db")
        )
        stack.enter_context(Database.from_settings(url, settings)).check()
        yield url
