"""The language of a command's answers, as an option."""

from enum import StrEnum
from typing import Annotated

import typer


class Language(StrEnum):
    """Language of the reasons."""

    EN = "en"
    FR = "fr"


Speech = Annotated[Language, typer.Option("--language", "--lang", help="en or fr.")]
