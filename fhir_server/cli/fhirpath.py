"""`osteon fhirpath`: evaluate an expression on a file."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

if TYPE_CHECKING:
    from fhir_server.fhirpath import FHIRPathError

EXIT_INPUT = 1
_AROUND = 36


def command(
    expression: Annotated[str, typer.Argument(help="The FHIRPath expression.")],
    file: Annotated[Path, typer.Argument(help="A resource in JSON or XML; - reads from stdin.")],
    *,
    explain: Annotated[
        bool, typer.Option("--explain", help="Show the syntax tree and what it compiled to.")
    ] = False,
    type_name: Annotated[
        str | None,
        typer.Option("--type", help="The type of the input, for JSON that is no resource."),
    ] = None,
    lenient: Annotated[
        bool,
        typer.Option(
            "--lenient", help="Take what R4's own expressions take: unknown elements are empty."
        ),
    ] = False,
    language: Annotated[
        Literal["en", "fr"], typer.Option("--lang", help="The language of messages.")
    ] = "en",
) -> None:
    """Evaluate a FHIRPath expression on a file; one result a line, as JSON.

    Exit code 1 where the expression or the file is at fault.
    """
    from fhir_server.definitions.packages import network_definitions
    from fhir_server.fhirpath import FHIRPath, FHIRPathError
    from fhir_server.settings import load_settings
    from fhir_server.terminology import FHIRPathTerminology, Terminology, remote_terminology
    from fhir_server.validation import Validator
    from fhir_server.validation.conformance import conforms_to

    settings = load_settings()
    definitions = network_definitions(settings.data_dir)
    remote = remote_terminology(settings.terminology_server, settings.terminology_timeout_s)
    codes = Terminology(definitions, remote=remote)
    terminology = FHIRPathTerminology(codes)
    model = definitions.type_model
    node = _read(file, model)
    context_type = type_name or _type_of(node)
    try:
        engine = FHIRPath(
            model,
            lenient=lenient,
            terminology=terminology,
            conforms_to=conforms_to(Validator(definitions, codes)),
        )
        compiled = engine.compile(expression, context_type)
        if explain:
            typer.echo(compiled.explain())
            typer.echo("Result")
        for item in compiled.evaluate(node):
            typer.echo(_line(item))
    except FHIRPathError as error:
        _tell(expression, error, language)
        raise typer.Exit(EXIT_INPUT) from None


def _read(file: Path, model: Any) -> Any:
    from fhir_server.model.issues import Issue, Refused
    from fhir_server.model.json_source import JsonSyntaxError, parse_json
    from fhir_server.model.xml_source import XmlSyntaxError, parse_xml

    try:
        content = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    except OSError as error:
        sys.stderr.write(f"osteon: {file}: {error.strerror}\n")
        raise typer.Exit(EXIT_INPUT) from None
    try:
        return (
            parse_xml(content, model) if content.lstrip().startswith(b"<") else parse_json(content)
        )
    except (JsonSyntaxError, XmlSyntaxError) as error:
        issue = Issue(error.issue_id, "error", "structure", parameters={"reason": error.reason})
        raise Refused(400, [issue.at(error.line, error.column)]) from None


def _type_of(node: Any) -> str | None:
    kind = node.get("resourceType") if isinstance(node, dict) else None
    return kind if isinstance(kind, str) else None


def _line(item: Any) -> str:
    from fhir_server.model.json_source import encode_json

    return encode_json(item).decode()


def _tell(expression: str, error: "FHIRPathError", language: Literal["en", "fr"]) -> None:
    """The fault, the line of the expression with a mark under the place, and how to mend it."""
    lines = [f"osteon: {error.issue.text(language)}"]
    if error.position is not None:
        lines.extend(_excerpt(expression, error.position))
    hint = error.issue.hint(language)
    sys.stderr.write("\n".join([*lines, *([hint] if hint else [])]) + "\n")


def _excerpt(expression: str, position: int) -> tuple[str, str]:
    """What stands around a place, on its line and no longer than a terminal is wide, and the mark."""
    start = expression.rfind("\n", 0, position) + 1
    line = expression[start:].partition("\n")[0]
    at = position - start
    left, right = max(at - _AROUND, 0), at + _AROUND
    before = "…" if left else ""
    after = "…" if right < len(line) else ""
    shown = f"  {before}{line[left:right]}{after}"
    return shown, " " * (2 + len(before) + at - left) + "^"
