"""`osteon settings`: every setting with its value, default and documentation."""

import sys
import textwrap
from typing import Annotated, Literal

import typer


def settings(
    output: Annotated[
        Literal["text", "json"], typer.Option("--format", help="Lines to read, or JSON.")
    ] = "text",
) -> None:
    """List the settings, their values and what they mean."""
    from fhir_server.settings import load_settings
    from fhir_server.settings.listing import documented_settings

    listed = list(documented_settings(load_settings()))
    if output == "json":
        import dataclasses

        import msgspec

        rows = [dataclasses.asdict(one) for one in listed]
        sys.stdout.buffer.write(msgspec.json.format(msgspec.json.encode(rows), indent=2) + b"\n")
        return
    heading = ""
    for one in listed:
        if one.group != heading:
            heading = one.group
            typer.secho(heading, bold=True)
        default = "" if one.value == one.default else f"   (default: {one.default or 'none'})"
        typer.echo(f"{one.variable}={one.value}{default}")
        typer.echo(textwrap.indent(textwrap.fill(one.description, 76), "    "))
