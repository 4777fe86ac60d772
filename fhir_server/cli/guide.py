"""`osteon guide`: the implementation guide that people read."""

import sys
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, help="Build the implementation guide.")


@app.callback()
def _group() -> None:
    """Build the implementation guide."""


@app.command()
def build(
    out: Annotated[Path, typer.Option(help="The folder to write to.")] = Path("guide"),
) -> None:
    """Write the guide as a static site, in French and English.

    It loads nothing from elsewhere: the folder can be read from a disk or served by any web server.
    """
    from fhir_server.guide import build_site

    pages = build_site(out)
    sys.stderr.write(f"{pages} pages in {out}; begin with {out / 'index.html'}\n")
