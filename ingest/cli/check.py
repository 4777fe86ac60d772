"""`osteon hl7v2 check`: the onboarding report on a centre's sample messages."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from fhir_server.settings import load_settings
from ingest.cli.load import files_of
from ingest.cli.speech import Language, Speech
from ingest.mapping.explain import pretty_json
from ingest.maps import current_maps
from ingest.register.onboarding import onboarding_report
from ingest.register.report_pages import html_report, text_report


class ReportFormat(StrEnum):
    """How the report is written."""

    TEXT = "text"
    JSON = "json"
    HTML = "html"


def check(
    paths: Annotated[
        list[Path], typer.Argument(help="Folders and files with sample messages.", exists=True)
    ],
    *,
    output: Annotated[ReportFormat, typer.Option("--format", help="text, json or html.")] = (
        ReportFormat.TEXT
    ),
    language: Speech = Language.EN,
    second_opinion: Annotated[
        bool, typer.Option(help="Ask hl7apy too; it takes up to a second a message.")
    ] = True,
) -> None:
    """Report on a centre's sample messages, before it is connected; nothing is stored.

    Structure against the standard and PAM.fr, with hl7apy as a second opinion, codes without a target,
    missing fields, and fields that no element carries. Ends with 1 where a message cannot be read or would
    be held.
    """
    report = onboarding_report(
        files_of(paths),
        current_maps(load_settings()).library,
        language.value,
        second_opinion=second_opinion,
    )
    match output:
        case ReportFormat.JSON:
            typer.echo(pretty_json(report.as_json()))
        case ReportFormat.HTML:
            typer.echo(html_report(report, language.value), nl=False)
        case ReportFormat.TEXT:
            for line in text_report(report, language.value):
                typer.echo(line)
    if not report.is_ready:
        raise typer.Exit(1)
