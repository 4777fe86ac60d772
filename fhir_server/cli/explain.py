"""`osteon explain`: how a search is carried out."""

from typing import Annotated

import typer

from fhir_server.cli.database import reachable_database


def command(
    query: Annotated[
        str,
        typer.Argument(
            metavar="QUERY", help="As in a URL: 'Condition?code=x&_sort=-recorded-date'."
        ),
    ],
    *,
    analyze: Annotated[
        bool, typer.Option("--analyze", help="Run the statement, and show times and buffers.")
    ] = False,
) -> None:
    """Show how a search is carried out, without its values.

    Prints the predicates that were understood, the SQL, and PostgreSQL's plan on the data that is stored.
    """
    from urllib.parse import parse_qsl

    from fhir_server.interactions.search_request import understand
    from fhir_server.interactions.server import open_server
    from fhir_server.search.explain import explain
    from fhir_server.search.scope import unknown_type
    from fhir_server.settings import load_settings
    from fhir_server.store.database import Database
    from fhir_server.store.resource_types import TYPE_NUMBERS

    resource_type, _, rest = query.lstrip("/").partition("?")
    if resource_type and resource_type not in TYPE_NUMBERS:
        raise unknown_type(resource_type)
    settings = load_settings()
    with reachable_database("osteon explain") as url:
        server = open_server(settings, Database.from_settings(url, settings))
        try:
            with server.database.connection() as connection:
                pairs = parse_qsl(rest, keep_blank_values=True)
                request = understand(server, connection, resource_type or None, pairs)
                typer.echo(explain(connection, request, analyze=analyze))
        finally:
            server.close()
