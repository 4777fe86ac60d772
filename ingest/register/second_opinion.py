"""hl7apy as a second opinion on a message's structure. It knows neither Z segments nor French tables.

Its findings may quote values; only their form and the names of elements are passed on.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from ingest.hl7v2 import Message

LARGEST = 100_000
"""Bytes of a message that is shown to hl7apy: it takes seconds for a document, whose length it refuses."""

_FORMS: Sequence[tuple[re.Pattern[str], str, str]] = (
    (re.compile(r"(?:Error|Warning): (Missing required child) (\S+)"), r"\2", r"\1"),
    (re.compile(r"(?:Error|Warning): (Child limit exceeded) (\S+)"), r"\2", r"\1"),
    (
        re.compile(r"Warning: Value .* not in table (\S+) in element (\S+?)\.?$"),
        r"\2",
        r"a value that is not in table \1",
    ),
    (re.compile(r"Warning: (Exceeded max length \(\d+\)) of (\S+?)\.?$"), r"\2", r"\1"),
    (re.compile(r"Error: Datatype \S+ is not correct for (\S+)"), r"\1", "another data type"),
    (
        re.compile(r"Error: Invalid children detected for <(\w+ \w+)[^>]*>: (.*)"),
        r"\1",
        r"children that do not belong there: \2",
    ),
)
"""Its lines → the place and the finding that are passed on."""


def hl7apy_findings(message: Message) -> Iterator[tuple[str, str]]:
    """Place and finding. Cost: tens of milliseconds to seconds a message."""
    from hl7apy.exceptions import HL7apyException
    from hl7apy.parser import parse_message

    if len(message.raw) > LARGEST:
        yield "message", "not shown to hl7apy: too large for it"
        return
    text = "\r".join(segment.raw.decode(message.codec, "replace") for segment in message.segments)
    with TemporaryDirectory() as folder:
        report = Path(folder) / "report"
        try:
            parse_message(text).validate(report_file=str(report))
        except HL7apyException as error:
            if not report.exists():
                yield "message", f"hl7apy cannot read it ({type(error).__name__})"
        except Exception as error:
            yield "message", f"hl7apy fails on it ({type(error).__name__})"
        lines = report.read_text(encoding="utf-8").splitlines() if report.exists() else []
    yield from (found for line in lines if (found := _told(line)) is not None)


def _told(line: str) -> tuple[str, str] | None:
    for form, place, finding in _FORMS:
        match = form.match(line)
        if match:
            return match.expand(place), match.expand(finding)
    return ("message", "another finding") if line.startswith("Error") else None
