"""hl7apy as a second opinion on a message's structure. It knows neither Z segments nor French tables.

Its findings may quote values; only their form and the names of elements are passed on.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from fhir_server.model.issues import Reason, because
from ingest.hl7v2 import Message

LARGEST = 100_000
"""Bytes of a message that is shown to hl7apy: it takes seconds for a document, whose length it refuses."""

_FORMS: Sequence[tuple[re.Pattern[str], str]] = (
    (re.compile(r"(?:Error|Warning): Missing required child (?P<place>\S+)"), "missing"),
    (re.compile(r"(?:Error|Warning): Child limit exceeded (?P<place>\S+)"), "too-many"),
    (
        re.compile(r"Warning: Value .* not in table (?P<table>\S+) in element (?P<place>\S+?)\.?$"),
        "not-in-table",
    ),
    (
        re.compile(r"Warning: Exceeded max length \((?P<most>\d+)\) of (?P<place>\S+?)\.?$"),
        "too-long",
    ),
    (re.compile(r"Error: Datatype \S+ is not correct for (?P<place>\S+)"), "datatype"),
    (
        re.compile(
            r"Error: Invalid children detected for <(?P<place>\w+ \w+)[^>]*>: (?P<names>.*)"
        ),
        "foreign",
    ),
)
"""Its lines → the reason that is passed on: `because-hl7apy-…`, with the place and what else they name."""


def hl7apy_findings(message: Message) -> Iterator[tuple[str, Reason]]:
    """Place and finding. Cost: tens of milliseconds to seconds a message."""
    from hl7apy.exceptions import HL7apyException
    from hl7apy.parser import parse_message

    if len(message.raw) > LARGEST:
        yield "message", because("because-hl7apy-too-large")
        return
    text = "\r".join(segment.raw.decode(message.codec, "replace") for segment in message.segments)
    with TemporaryDirectory() as folder:
        report = Path(folder) / "report"
        try:
            parse_message(text).validate(report_file=str(report))
        except HL7apyException as error:
            if not report.exists():
                yield "message", because("because-hl7apy-unread", kind=type(error).__name__)
        except Exception as error:
            yield "message", because("because-hl7apy-fails", kind=type(error).__name__)
        lines = report.read_text(encoding="utf-8").splitlines() if report.exists() else []
    yield from (found for line in lines if (found := _told(line)) is not None)


def _told(line: str) -> tuple[str, Reason] | None:
    for form, reason in _FORMS:
        match = form.match(line)
        if match:
            named = match.groupdict()
            return named.pop("place"), because(f"because-hl7apy-{reason}", **named)
    return ("message", because("because-hl7apy-other")) if line.startswith("Error") else None
