"""`osteon bridge`: records in the form of another data model."""

import re
import secrets
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import typer

from fhir_server.operator_error import OperatorError

if TYPE_CHECKING:
    import httpx2

TYPES = (
    "Patient", "Organization", "Condition", "Specimen", "DiagnosticReport", "Observation", "Procedure",
    "MedicationStatement", "MedicationAdministration", "CarePlan", "Encounter", "ServiceRequest", "Task",
    "Consent",
)  # fmt: skip
PAGE_SIZE = 500
SECRET_BYTES = 32


class _BridgeFaultError(OperatorError):
    """A bridge that there is not, or records that cannot be read: the input is at fault."""

    exit_code: ClassVar[int] = 1


class _UnreachableError(OperatorError):
    """A server that does not answer as a FHIR server."""

    exit_code: ClassVar[int] = 3


def command(
    name: Annotated[str, typer.Argument(help="mcode, osiris, miabis, eu-rd-cds-16 or idea4rc.")],
    files: Annotated[
        list[Path] | None, typer.Argument(help="Bundles, resources or NDJSON files.")
    ] = None,
    *,
    base: Annotated[str | None, typer.Option(help="A FHIR base to read from instead.")] = None,
    use: Annotated[
        str | None, typer.Option(help="Only patients who permit this use, as partner-sharing.")
    ] = None,
    partner: Annotated[
        str,
        typer.Option(
            help="The Organization id of who gets them: consents name it, and its pseudonyms are its own."
        ),
    ] = "partner",
    key: Annotated[
        Path | None,
        typer.Option(help="A file with the secret of the pseudonyms, made where there is none."),
    ] = None,
    out: Annotated[Path, typer.Option(help="The folder to write to.")] = Path("bridge"),
) -> None:
    """Write records in the form of another data model.

    Numbers of patients, tumours and samples become pseudonyms; names, free text and days of birth stay.
    Without --key the pseudonyms are new each time. Whoever has the key and the records can make them again.
    Beside the files stands a manifest of counts, hashes and what is lost.
    Exit code: 0 written, 1 the bridge or a file is at fault, 3 the server cannot be reached.
    """
    from fhir_server.bridges import Pseudonyms, Records, bridge_names, cross, read_bridge

    if name not in bridge_names():
        raise _BridgeFaultError(f"no bridge {name}; there are {', '.join(bridge_names())}")
    records = Records.of_bundles(_from_server(base.rstrip("/")) if base else _from_files(files))
    names = Pseudonyms(_partner(partner), _secret(key))
    crossing = cross(read_bridge(name), records.consented(use, partner) if use else records, names)
    out.mkdir(parents=True, exist_ok=True)
    for file, content in crossing.files.items():
        (out / file).write_bytes(content)
    sys.stderr.write(
        f"{len(crossing.files)} files in {out}; {crossing.lost.total()} values lost, "
        f"see {out / 'manifest.json'}\n"
    )


def _partner(name: str) -> str:
    """The name of a partner: it stands in the system of the pseudonyms."""
    if not re.fullmatch("[a-z0-9-]{1,40}", name):
        raise _BridgeFaultError(f"--partner {name}: letters a to z, digits and hyphens, at most 40")
    return name


def _secret(path: Path | None) -> bytes:
    """The secret in a file, made and written where there is none, for its owner alone to read."""
    if path is None:
        return secrets.token_bytes(SECRET_BYTES)
    try:
        if path.exists():
            kept = path.read_text(encoding="ascii").strip()
        else:
            kept = secrets.token_hex(SECRET_BYTES)
            path.touch(mode=0o600, exist_ok=False)
            path.write_text(f"{kept}\n", encoding="ascii")
        secret = bytes.fromhex(kept)
    except (OSError, ValueError) as fault:
        raise _BridgeFaultError(
            f"{path}: no secret of pseudonyms ({type(fault).__name__})"
        ) from None
    if len(secret) != SECRET_BYTES:
        raise _BridgeFaultError(
            f"{path}: a secret has {SECRET_BYTES} bytes, written as {2 * SECRET_BYTES} digits"
        )
    return secret


def _from_files(files: list[Path] | None) -> Iterator[dict[str, Any]]:
    from fhir_server.model.json_source import JsonSyntaxError, parse_json

    if not files:
        raise _BridgeFaultError("give files, or a server by --base")
    for path in files:
        try:
            content = path.read_bytes()
            lines = content.splitlines() if path.suffix == ".ndjson" else [content]
            found = [parse_json(line) for line in lines if line.strip()]
        except (OSError, JsonSyntaxError) as fault:
            raise _BridgeFaultError(f"{path}: {fault}") from None
        for resource in found:
            if not isinstance(resource, dict) or "resourceType" not in resource:
                raise _BridgeFaultError(f"{path}: no FHIR resource")
            yield resource


def _from_server(base: str) -> Iterator[dict[str, Any]]:
    """Every resource of the types that cross, page by page."""
    import httpx2

    with httpx2.Client(timeout=60, headers={"Accept": "application/fhir+json"}) as client:
        for kind in TYPES:
            url: str | None = f"{base}/{kind}?_count={PAGE_SIZE}"
            while url:
                page = _page(client, url)
                yield page
                following = [
                    link["url"] for link in page.get("link", ()) if link["relation"] == "next"
                ]
                url = following[0] if following else None


def _page(client: "httpx2.Client", url: str) -> dict[str, Any]:
    import httpx2

    from fhir_server.model.json_source import JsonSyntaxError, parse_json

    try:
        answer = client.get(url).raise_for_status()
        page: dict[str, Any] = parse_json(answer.content)
    except (httpx2.HTTPError, JsonSyntaxError) as fault:
        raise _UnreachableError(f"{url}: {type(fault).__name__}") from None
    return page
