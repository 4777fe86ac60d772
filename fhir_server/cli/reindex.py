"""`osteon reindex`: index rows made anew, by this process, beside a server that runs or without one."""

from typing import TYPE_CHECKING, Annotated

import typer

from fhir_server.cli.database import reachable_database

if TYPE_CHECKING:
    from fhir_server.store.reindex_jobs import ReindexJob


def command(
    resource_type: Annotated[
        list[str] | None, typer.Option("--type", metavar="TYPE", help="Only this type. Repeatable.")
    ] = None,
    parameter: Annotated[
        str | None,
        typer.Option("--parameter", metavar="URL", help="Only the types of this SearchParameter."),
    ] = None,
    *,
    queue: Annotated[
        bool, typer.Option("--queue", help="Leave the work to the server that runs.")
    ] = False,
) -> None:
    """Make the search index anew for what is stored.

    Works in batches while the server goes on; stopped by Ctrl-C or killed, it goes on from its last batch
    when it is started again. Jobs that were asked for earlier are done as well.
    """
    from fhir_server.interactions.operations.reindex import request_reindex
    from fhir_server.interactions.server import open_server
    from fhir_server.search.reindex import run_jobs
    from fhir_server.settings import load_settings
    from fhir_server.store.database import Database

    settings = load_settings()
    pairs = [("type", name) for name in resource_type or ()]
    pairs += [("parameter", parameter)] if parameter else []
    with reachable_database("osteon reindex") as url:
        server = open_server(settings, Database.from_settings(url, settings))
        try:
            with server.database.connection() as connection:
                job = request_reindex(server, connection, pairs)
            typer.echo(f"Job {job.id}.")
            if not queue:
                run_jobs(server.database, server.search, _tell)
                with server.database.connection() as connection:
                    _tell_end(connection, job.id)
        finally:
            server.close()


def _tell(job: "ReindexJob") -> bool:
    if job.total:
        typer.echo(f"  {job.processed} of {job.total}, {job.changed} changed")
    return True


def _tell_end(connection: object, job_id: str) -> None:
    from fhir_server.store.reindex_jobs import read_job

    job = read_job(connection, job_id)  # type: ignore[arg-type] # psycopg is imported late
    if job is not None:
        typer.echo(f"{job.state}: {job.processed} resources looked at, {job.changed} changed.")
