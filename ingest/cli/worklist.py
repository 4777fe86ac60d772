"""`osteon hl7v2 worklist`: reasons for which messages are held, one item each."""

from typing import Annotated

import typer

from fhir_server.model.issues import refuse
from fhir_server.settings import load_settings
from ingest.cli.database import journal_database
from ingest.cli.options import Format, OutputFormat
from ingest.cli.speech import Language, Speech
from ingest.http.worklist import shown_item
from ingest.journal.work_items import WorkItem, list_work_items
from ingest.journal.work_items import release as release_item
from ingest.mapping.codes import Coding
from ingest.mapping.explain import pretty_json
from ingest.maps import current_maps, maps_folder
from ingest.register.local_codes import add_local_code
from ingest.resolution import holding_maps, resolves

app = typer.Typer(
    help="See why messages are held, and release them.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

ItemId = Annotated[str, typer.Argument(metavar="ITEM", help="The id of an item.")]


@app.command("list")
def list_(*, output: OutputFormat = Format.TEXT, language: Speech = Language.EN) -> None:
    """List the items, those that hold most messages first."""
    settings = load_settings()
    library = current_maps(settings).library
    with journal_database(settings) as database, database.connection() as connection:
        items = list_work_items(connection)
    told = [shown_item(item, language.value, resolved=resolves(library, item)) for item in items]
    if output is Format.JSON:
        typer.echo(pretty_json({"items": told}))
        return
    for one in told:
        resolved = "  (resolved)" if one["resolved"] else ""
        typer.echo(f"{one['id']}  {one['centre'] or 'unknown'}  {one['messages']} held{resolved}")
        typer.echo(f"  {one['text']}")


@app.command("map")
def map_code(
    item_id: ItemId,
    system: Annotated[str, typer.Option("--system", metavar="URI", help="The target's system.")],
    code: Annotated[str, typer.Option("--code", help="The target's code.")],
    *,
    version: Annotated[str, typer.Option("--version", help="The system's version.")] = "",
    display: Annotated[str, typer.Option("--display", help="The target's display.")] = "",
) -> None:
    """Map an unmapped code for its centre, and release all messages that it held.

    The line is added to `centres/<id>/codes.csv` among the maps; running servers take it up by themselves.
    """
    settings = load_settings()
    with journal_database(settings) as database:
        with database.connection() as connection:
            item = _find(list_work_items(connection), item_id)
        if item.reason != "v2-code-unmapped":
            raise refuse(422, "ingest-work-item-no-code", "not-supported", reason=item.reason)
        parameters = {name: str(value) for name, value in item.parameters.items()}
        coding = Coding(system, code, version, display)
        for code_map in holding_maps(current_maps(settings).library, parameters["table"]):
            add_local_code(
                maps_folder(settings),
                parameters["centre"],
                code_map.name,
                parameters["local_code"],
                coding,
            )
        with database.transaction() as connection:
            released = release_item(connection, item)
    typer.echo(
        f"{parameters['local_code']} is mapped; {released} messages wait for a worker again."
    )


@app.command()
def release(item_id: ItemId) -> None:
    """Have all messages of an item worked off again."""
    with journal_database() as database, database.transaction() as connection:
        released = release_item(connection, _find(list_work_items(connection), item_id))
    typer.echo(f"{released} messages wait for a worker again.")


def _find(items: list[WorkItem], item_id: str) -> WorkItem:
    item = next((one for one in items if one.id == item_id), None)
    if item is None:
        raise refuse(404, "ingest-work-item-unknown", "not-found")
    return item
