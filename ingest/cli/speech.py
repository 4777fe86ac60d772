"""The language of a command's answers, as an option."""

from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import Annotated

import typer

from fhir_server.cli.issue_line import tell
from fhir_server.cli.main import EXIT_INPUT
from fhir_server.model.issues import Refused


class Language(StrEnum):
    """Language of the reasons."""

    EN = "en"
    FR = "fr"


Speech = Annotated[Language, typer.Option("--language", "--lang", help="en or fr.")]


@contextmanager
def refusals_told(language: Language) -> Iterator[None]:
    """Tell why something is refused in the language that was asked for, and end."""
    try:
        yield
    except Refused as refused:
        for issue in refused.issues:
            tell(issue, language.value)
        raise typer.Exit(EXIT_INPUT) from None
