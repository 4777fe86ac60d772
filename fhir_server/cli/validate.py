"""`osteon validate`: resources, Bundles and NDJSON against FHIR R4, the network's profiles and others."""

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from fhir_server.model.issues import Issue, Language

if TYPE_CHECKING:
    from fhir_server.definitions import Definitions
    from fhir_server.validation.sources import Result

EXIT_INPUT = 1
EXIT_USAGE = 2


def validate(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE…", help="JSON, XML or NDJSON files.")
    ],
    profiles: Annotated[
        list[str] | None,
        typer.Option("--profile", metavar="URL", help="A profile that every resource must meet."),
    ] = None,
    loads: Annotated[
        list[Path] | None,
        typer.Option(
            "--load",
            metavar="FILE|DIR|PACKAGE",
            help="Conformance resources to know for this run.",
        ),
    ] = None,
    output: Annotated[
        Literal["text", "json"], typer.Option("--format", help="Lines to read, or JSON.")
    ] = "text",
    language: Annotated[
        Literal["en", "fr"], typer.Option("--lang", help="The language of the texts.")
    ] = "en",
) -> int:
    """Validate resources, Bundles and NDJSON files.

    Exit code: 0 no errors, 1 an input has errors, 2 the command is wrong, 3 the system failed.
    """
    from fhir_server.definitions.packages import PackageError
    from fhir_server.validation import Validator

    try:
        validator = Validator(_definitions(loads or ()))
    except PackageError as fault:
        sys.stderr.write(f"osteon: --load: {fault}\n")
        return EXIT_USAGE
    results = _results(files, validator, tuple(profiles or ()))
    write = _write_json if output == "json" else _write_text
    return 0 if write(results, language) else EXIT_INPUT


def _definitions(loads: Iterable[Path]) -> "Definitions":
    from fhir_server.definitions.packages import network_definitions, read_conformance

    definitions = network_definitions()
    for path in loads:
        definitions = definitions.layered(read_conformance(path))
    return definitions


def _results(files: list[Path], validator: Any, profiles: tuple[str, ...]) -> Iterator["Result"]:
    from fhir_server.validation.sources import Result, records, validate_record

    for path in _with_progress(files):
        for record in records(path):
            if isinstance(record, Result):
                yield record
            else:
                yield validate_record(record, validator, profiles)


def _with_progress(files: list[Path]) -> Iterable[Path]:
    """The files, with a bar on the terminal where there is one and something to wait for."""
    if len(files) < 2 or not sys.stderr.isatty():
        return files
    from rich.console import Console
    from rich.progress import track

    return track(files, description="validate", console=Console(stderr=True), transient=True)


def _write_json(results: Iterable["Result"], language: Language) -> bool:
    """Write one list, item by item; whether all were valid."""
    from fhir_server.model.json_source import encode_json

    out = sys.stdout.buffer
    all_valid = True
    separator = b"["
    for result in results:
        all_valid = all_valid and result.is_valid
        issues = [_issue_row(issue, language) for issue in result.issues]
        row = {"file": result.file, "valid": result.is_valid, "issues": issues}
        out.write(separator + b"\n" + encode_json(row))
        separator = b","
    out.write(b"[]\n" if separator == b"[" else b"\n]\n")
    out.flush()
    return all_valid


def _issue_row(issue: Issue, language: Language) -> dict[str, Any]:
    return {
        "id": issue.id,
        "severity": issue.severity,
        "code": issue.code,
        "expression": issue.expression,
        "line": issue.line,
        "column": issue.column,
        "profile": issue.profile,
        "text": issue.text(language),
        "hint": issue.hint(language),
    }


_WORDS = {
    "en": {"valid": "valid", "error": "error", "warning": "warning", "information": "note", "fatal": "fatal"},
    "fr": {"valid": "valide", "error": "erreur", "warning": "avertissement", "information": "note",
           "fatal": "fatal"},
}  # fmt: skip


def _write_text(results: Iterable["Result"], language: Language) -> bool:
    """Write lines to read; whether all were valid."""
    words = _WORDS[language]
    all_valid = True
    for result in results:
        all_valid = all_valid and result.is_valid
        counts = {s: sum(i.severity == s for i in result.issues) for s in words if s != "valid"}
        said = ", ".join(
            f"{count} {words[s]}{'s' if count > 1 else ''}" for s, count in counts.items() if count
        )
        head = words["valid"] if result.is_valid else ""
        typer.echo(f"{result.file}: {', '.join(filter(None, (head, said)))}")
        for issue in result.issues:
            place = "" if issue.line is None else f"{issue.line}:{issue.column} "
            where = f"{issue.expression} " if issue.expression else ""
            typer.echo(
                f"  {words[issue.severity]} {place}{where}[{issue.id}] {issue.text(language)}"
            )
            hint = issue.hint(language)
            if hint and issue.severity in {"error", "fatal"}:
                typer.echo(f"      → {hint}")
    return all_valid


command = validate
"""What the command table runs."""
