"""`osteon serve`: the whole server."""

import sys

import typer


def serve() -> None:
    """Start the server and all it needs.

    Runs PostgreSQL inside the data directory unless OSTEON_DATABASE_URL names one, brings the tables
    up to date, and serves FHIR, the pages and MLLP until Ctrl-C or SIGTERM. `osteon settings` lists what
    can be set.
    """
    from fhir_server.cli.supervisor import Supervisor
    from fhir_server.log_lines import configure_logging
    from fhir_server.settings import load_settings
    from fhir_server.settings.listing import unknown_variables

    settings = load_settings()
    configure_logging(settings)
    for variable, meant in unknown_variables().items():
        guess = f"; did you mean {meant}?" if meant else ""
        sys.stderr.write(f"osteon: warning: {variable} is no setting{guess}\n")
    Supervisor(settings, tell=_tell).run()


def _tell(line: str) -> None:
    typer.echo(line)
    sys.stdout.flush()
