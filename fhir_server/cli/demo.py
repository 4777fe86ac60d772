"""`osteon demo`: a synthetic network, sent through the front doors or written to files."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

DEFAULT_BASE = "http://127.0.0.1:8080/fhir"
DEFAULT_MLLP = "127.0.0.1:2575"
SHOWN_REASONS = 5


def command(
    *,
    patients: Annotated[int, typer.Option(min=1, help="How many patients.")] = 200,
    seed: Annotated[
        int, typer.Option(min=0, help="Which network: the same seed, the same one.")
    ] = 1,
    base: Annotated[str, typer.Option(help="The FHIR base of the server.")] = DEFAULT_BASE,
    mllp: Annotated[str, typer.Option(help="HOST:PORT for HL7 v2.")] = DEFAULT_MLLP,
    out: Annotated[
        Path | None, typer.Option(help="Write Bundles and messages to this folder instead.")
    ] = None,
    summary: Annotated[
        Path | None, typer.Option(help="Write what was made and sent to this file, as JSON.")
    ] = None,
) -> None:
    """Make a synthetic network and send it to a server.

    Exit code 1 where the server refused or held something, 3 where it cannot be reached.
    """
    if out is not None:
        raise typer.Exit(_write(out, patients, seed, summary))
    raise typer.Exit(_send(patients, seed, base.rstrip("/"), mllp, summary))


def _send(patients: int, seed: int, base: str, mllp: str, summary: Path | None) -> int:
    from rich.console import Console

    from fhir_server.demo.centres import load_centres
    from fhir_server.demo.front_doors import Doors
    from fhir_server.demo.network import patients as network_patients
    from fhir_server.demo.report import closing_table
    from fhir_server.demo.send import send_network

    host, port = _host_and_port(mllp)
    centres = load_centres()
    with _progress(patients) as advance:
        network, tally = send_network(
            network_patients(seed, patients, centres), centres, Doors(base, host, port), advance
        )
    Console().print(closing_table(tally))
    for (kind, reason), count in tally.reasons.most_common(SHOWN_REASONS):
        sys.stderr.write(f"osteon: refused or held {count} × {kind}: {reason}\n")
    if summary is not None:
        _write_json(summary, network.as_json() | {"seed": seed, "delivery": tally.as_json()})
    return 0 if tally.complete else 1


def _write(folder: Path, patients: int, seed: int, summary: Path | None) -> int:
    from fhir_server.demo.write import write_network

    with _progress(patients) as advance:
        network = write_network(folder, seed, patients, advance)
    if summary is not None:
        _write_json(summary, network.as_json() | {"seed": seed})
    typer.echo(f"{patients} patients in {folder}: bundles.ndjson, messages.mllp, summary.json")
    return 0


def _host_and_port(address: str) -> tuple[str, int]:
    host, _, port = address.rpartition(":")
    if not host or not port.isdigit():
        raise typer.BadParameter(f"{address} is not HOST:PORT", param_hint="--mllp")
    return host.strip("[]"), int(port)


def _write_json(path: Path, content: Any) -> None:
    import json

    path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


@contextmanager
def _progress(patients: int) -> Iterator[Callable[[int], None]]:
    """A progress bar on stderr, on a terminal only."""
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    with Progress(console=console, disable=not console.is_terminal, transient=True) as bar:
        task = bar.add_task("patients", total=patients)

        def advance(count: int = 1) -> None:
            bar.advance(task, count)

        yield advance
