"""`osteon snapshot`: a profile in full."""

import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from fhir_server.cli.issue_line import tell

EXIT_INPUT = 1
EXIT_USAGE = 2


def command(
    file: Annotated[Path, typer.Argument(help="A StructureDefinition in JSON or XML.")],
    loads: Annotated[
        list[Path] | None,
        typer.Option("--load", metavar="FILE|DIR|PACKAGE", help="The profiles that it rests on."),
    ] = None,
    language: Annotated[
        Literal["en", "fr"], typer.Option("--lang", help="The language of the texts.")
    ] = "en",
) -> int:
    """Work out the snapshot of a profile from its differential.

    The StructureDefinition is written to stdout as JSON. Exit code: 0 done, 1 the profile is at fault.
    """
    from fhir_server.definitions.packages import PackageError, network_definitions, read_conformance
    from fhir_server.model.issues import Issue, error
    from fhir_server.model.json_source import JsonSyntaxError, parse_json, pretty_json
    from fhir_server.model.xml_source import XmlSyntaxError, parse_xml
    from fhir_server.settings import load_settings
    from fhir_server.validation.snapshot import SnapshotError, completed

    definitions = network_definitions(load_settings().data_dir)
    try:
        for path in loads or ():
            definitions = definitions.layered(read_conformance(path))
    except PackageError as fault:
        sys.stderr.write(f"osteon: --load: {fault}\n")
        return EXIT_USAGE
    try:
        content = file.read_bytes()
    except OSError as fault:
        sys.stderr.write(f"osteon: {file}: {fault.strerror}\n")
        return EXIT_INPUT
    try:
        is_xml = content.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<")
        structure = parse_xml(content, definitions.type_model) if is_xml else parse_json(content)
        full = completed(structure, definitions)
    except (JsonSyntaxError, XmlSyntaxError) as fault:
        issue = Issue(fault.issue_id, "error", "structure", parameters={"reason": fault.reason})
        tell(issue.at(fault.line, fault.column), language)
        return EXIT_INPUT
    except SnapshotError as fault:
        tell(error(fault.reason, "processing", **fault.parameters), language)
        return EXIT_INPUT
    sys.stdout.buffer.write(pretty_json(full) + b"\n")
    sys.stdout.buffer.flush()
    return 0
