"""`osteon hl7v2 send`: messages of files over MLLP."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from ingest.hl7v2 import (
    Hl7Fault,
    Hl7SyntaxError,
    Message,
    Outcome,
    Segment,
    acknowledge,
    read_header,
)
from ingest.hl7v2.batch import read_batch
from ingest.transport.mllp_sender import MllpSender, NoAnswerError

EXIT_INPUT = 1
EXIT_SYSTEM = 3
_ANY_BYTES = "8859/1"
"""Where no character set is said (MSH-18): whatever the bytes are, each is a character."""


def send(
    files: Annotated[
        list[Path],
        typer.Argument(
            help="Files with one or more messages, bare or as FHS/BHS batches.", exists=True
        ),
    ],
    mllp: Annotated[
        str, typer.Option(metavar="HOST:PORT", help="Where to send them.")
    ] = "127.0.0.1:2575",
    timeout_s: Annotated[
        float, typer.Option("--timeout", help="Seconds to wait for each answer.", min=0.1)
    ] = 30.0,
) -> None:
    """Send the messages of files over MLLP and print each answer; only its own answer accepts a message.

    Ends with 0 when all were accepted, 1 when a message was refused or a file cannot be read as HL7 v2, 3
    when the other side did not answer.
    """
    host, port = _address(mllp)
    refused = 0
    try:
        with MllpSender(host, port, timeout_s) as sender:
            for name, message in _messages(files):
                refused += not _send(sender, name, message)
    except NoAnswerError as error:
        typer.echo(f"osteon: {mllp}: {error}", err=True)
        raise typer.Exit(EXIT_SYSTEM) from None
    if refused:
        raise typer.Exit(EXIT_INPUT)


def _address(given: str) -> tuple[str, int]:
    host, _, port = given.rpartition(":")
    if not host or not port.isdigit() or not 0 < int(port) < 65536:
        raise typer.BadParameter(f"{given!r} is no HOST:PORT", param_hint="--mllp")
    return host.strip("[]"), int(port)


def _messages(files: list[Path]) -> Iterator[tuple[str, bytes | None]]:
    """Each message with the name it is told by; None where a file holds something else."""
    for path in files:
        batch = read_batch(path.read_bytes())
        for fault in batch.faults_of_file:
            typer.echo(f"{path}: {fault.issue().text()}", err=True)
            yield str(path), None
        for number, message in enumerate(batch.messages, 1):
            yield f"{path}#{number}" if len(batch.messages) > 1 else str(path), message


def _send(sender: MllpSender, name: str, message: bytes | None) -> bool:
    if message is None:
        return False
    if acknowledge(read_header(message), Outcome.ACCEPT, control_id="") is None:
        sender.send_only(message)
        typer.echo(f"{name}: sent; it asks for no answer (MSH-15, MSH-16)")
        return True
    try:
        return _is_accepted(name, message, sender.send(message))
    except Hl7SyntaxError:
        typer.echo(f"{name}: the answer is no HL7 v2 message")
        return False


def _is_accepted(name: str, message: bytes, answer: bytes) -> bool:
    """Print an answer. Errors: Hl7SyntaxError where it cannot be read."""
    ack = Message.parse(answer, default_charset=_ANY_BYTES)
    code, answered = ack.get("MSA-1") or "?", ack.get("MSA-2") or ""
    typer.echo(f"{name}: {code} {answered}".rstrip())
    for error in ack.all("ERR"):
        told = error.field(8)[0].text if error.field(8) else None
        typer.echo(f"  {_place(error)}: {told or 'no text'}")
    sys.stdout.flush()
    return code in {"AA", "CA"} and _is_answered(name, message, answered)


def _is_answered(name: str, message: bytes, answered: str) -> bool:
    """Whether an answer is that of the message: one that names another (MSA-2) says nothing of this one."""
    sent = Message.parse(message, default_charset=_ANY_BYTES).control_id or ""
    if answered != sent:
        typer.echo(f"{name}: the answer is that of another message, not of {sent}")
    return answered == sent


def _place(error: Segment) -> str:
    """ERR-2 (ERL) as people write it, `PID-5[1].2`."""
    if not error.field(2):
        return "message"
    segment, *places = [error.field(2)[0].component(n) for n in range(1, 7)]
    sequence, field, repetition, component, sub = (
        int(place) if place and place.isdigit() else 0 for place in places
    )
    fault = Hl7Fault("", 0, segment or "", sequence, field, repetition, component, sub)
    return fault.location or "message"
