"""`osteon hl7v2 map`: what messages become, without storing anything."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from fhir_server.settings import load_settings
from ingest.hl7v2 import Hl7SyntaxError, Message
from ingest.hl7v2.batch import read_batch
from ingest.mapping import Library, MapError, MappingResult, load_library, map_message
from ingest.mapping.explain import explain_json, explain_text, pretty_json
from ingest.mapping.library import mappings_folder

EXIT_INPUT = 1
EXIT_USAGE = 2


class Format(StrEnum):
    """How the answer is written."""

    TEXT = "text"
    JSON = "json"


class Language(StrEnum):
    """Language of the reasons."""

    EN = "en"
    FR = "fr"


def map_files(
    files: Annotated[
        list[Path] | None, typer.Argument(help="Files with HL7 v2 messages.", exists=True)
    ] = None,
    *,
    explain: Annotated[
        bool, typer.Option("--explain", help="Show message, resources and the fate of every field.")
    ] = False,
    output: Annotated[Format, typer.Option("--format", help="Text or JSON.")] = Format.TEXT,
    language: Annotated[
        Language, typer.Option("--language", "--lang", help="en or fr.")
    ] = Language.EN,
    maps: Annotated[
        Path | None, typer.Option("--mappings", help="A folder of maps to try.", file_okay=False)
    ] = None,
    dry: Annotated[
        bool,
        typer.Option(
            "--dry-run",
            help="Instead of files, take the messages of the journal, and print what would differ from "
            "the maps in force.",
        ),
    ] = False,
    since: Annotated[
        str | None,
        typer.Option("--since", metavar="TIME", help="With --dry-run: received from here."),
    ] = None,
    until: Annotated[
        str | None, typer.Option("--until", metavar="TIME", help="With --dry-run: received before.")
    ] = None,
    centre: Annotated[
        str | None, typer.Option("--centre", help="With --dry-run: only of this centre.")
    ] = None,
    message_type: Annotated[
        str | None,
        typer.Option("--type", help="With --dry-run: only of this type, such as ADT^A01."),
    ] = None,
) -> None:
    """Translate messages to FHIR transaction Bundles and print them; nothing is stored.

    Ends with 0 when every message can be mapped, 1 when one is held or cannot be read, 2 when a map is
    wrong (told by file and line).
    """
    if dry:
        from ingest.cli.dry_run import print_dry_run

        print_dry_run(maps, since, until, centre, message_type, output, language.value)
        return
    if not files:
        raise typer.BadParameter("name files, or ask for --dry-run", param_hint="FILES")
    _map_files(files, maps, output=output, language=language, explain=explain)


def _map_files(
    files: list[Path], maps: Path | None, *, output: Format, language: Language, explain: bool
) -> None:
    library = _library(maps)
    held = 0
    for path in files:
        batch = read_batch(path.read_bytes())
        for fault in batch.faults_of_file:
            typer.echo(f"{path}: {fault.issue().text(language.value)}", err=True)
        held += len(batch.faults_of_file)
        for raw in batch.messages:
            try:
                message = library.register.read(raw)
                result = map_message(message, library=library)
            except Hl7SyntaxError as error:
                typer.echo(f"{path}: {error.fault.issue().text(language.value)}", err=True)
                held += 1
                continue
            held += bool(result.held)
            _print(message, result, output=output, language=language, explain=explain)
    if held:
        raise typer.Exit(EXIT_INPUT)


def _library(folder: Path | None) -> Library:
    try:
        return load_library(folder or load_settings().mappings_dir or mappings_folder())
    except (MapError, OSError) as error:
        typer.echo(f"osteon: {error}", err=True)
        raise typer.Exit(EXIT_USAGE) from None


def _print(
    message: Message,
    result: MappingResult,
    *,
    output: Format,
    language: Language,
    explain: bool,
) -> None:
    if output is Format.JSON:
        told = explain_json(message, result, language.value)
        answer = told if explain else told["bundle"] or {"held": told["held"]}
        typer.echo(pretty_json(answer))
    elif explain:
        for line in explain_text(message, result, language.value):
            typer.echo(line)
    else:
        for issue in result.held:
            typer.echo(f"held: {issue.text(language.value)}")
        if result.bundle is not None:
            typer.echo(pretty_json(result.bundle))
