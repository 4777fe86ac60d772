"""The onboarding report: what a centre's sample messages would become, and what is amiss with them.

Nothing is stored, and nothing in the report is a value of a message: places, codes of tables, counts.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from fhir_server.model.issues import Issue, Language, Reason, because
from ingest.hl7v2 import Hl7SyntaxError, Message
from ingest.hl7v2.groups import structure_name
from ingest.hl7v2.structures import STRUCTURES
from ingest.journal.loading import read_messages
from ingest.mapping import Library, MappingResult, map_message
from ingest.mapping.wording import reason_text
from ingest.register.pam_fr import pam_fr_findings
from ingest.register.second_opinion import hl7apy_findings

Source = Literal["reading", "standard", "PAM.fr", "hl7apy", "mapping"]


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """Something amiss, wherever it comes up. Shape: `place` such as PID-5, or `message`."""

    source: Source
    place: str
    text: str


@dataclass(slots=True)
class Onboarding:
    """The report.

    Shape: `findings` with the number of messages each comes up in; `codes` by table and local code, with
    whether they hold the message; `missing` by place and element; `unused` by field, with the reason why
    no element carries it.
    """

    files: int = 0
    messages: int = 0
    types: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)
    findings: Counter[Finding] = field(default_factory=Counter)
    codes: Counter[tuple[str, str, bool]] = field(default_factory=Counter)
    missing: Counter[tuple[str, str]] = field(default_factory=Counter)
    unused: Counter[tuple[str, str]] = field(default_factory=Counter)

    @property
    def is_ready(self) -> bool:
        """Whether every message could be read and would be stored."""
        return bool(self.messages) and not (self.outcomes["unreadable"] or self.outcomes["held"])

    def as_json(self) -> dict[str, Any]:
        """The report for programs."""
        return {
            "ready": self.is_ready,
            "files": self.files,
            "messages": self.messages,
            "types": dict(self.types.most_common()),
            "outcomes": dict(self.outcomes),
            "findings": [
                {"source": one.source, "place": one.place, "text": one.text, "messages": count}
                for one, count in sorted(self.findings.items())
            ],
            "unmappedCodes": [
                {"table": table, "code": code, "holds": holds, "messages": count}
                for (table, code, holds), count in self.codes.most_common()
            ],
            "missing": [
                {"place": place, "element": element, "messages": count}
                for (place, element), count in self.missing.most_common()
            ],
            "unused": [
                {"place": place, "reason": reason, "messages": count}
                for (place, reason), count in sorted(self.unused.items())
            ],
        }


def onboarding_report(
    files: Iterable[Path], library: Library, language: Language, *, second_opinion: bool = True
) -> Onboarding:
    """Check every message of some files. Cost: with the second opinion up to a second a message."""
    report = Onboarding()
    for path in files:
        report.files += 1
        file = read_messages(path.read_bytes())
        for fault in file.faults:
            report.findings[Finding("reading", path.name, fault.issue().text(language))] += 1
            report.outcomes["unreadable"] += not file.messages
        for raw in file.messages:
            report.messages += 1
            _check(raw, report, library, language, second_opinion=second_opinion)
    return report


def _check(
    raw: bytes, report: Onboarding, library: Library, language: Language, *, second_opinion: bool
) -> None:
    try:
        message = library.register.read(raw)
        faults = message.faults()
        result = None if faults else map_message(message, library=library)
    except Hl7SyntaxError as error:
        faults, result = [error.fault], None
    for fault in faults:
        text = fault.issue().text(language)
        report.findings[Finding("reading", fault.location or "message", text)] += 1
    if result is None:
        report.outcomes["unreadable"] += 1
        return
    report.types[f"{message.type}^{message.trigger}"] += 1
    opinions = hl7apy_findings(message) if second_opinion else ()
    report.findings.update(
        {
            *(
                Finding("standard", place, reason.text(language))
                for place, reason in structure_findings(message)
            ),
            *(
                Finding("PAM.fr", place, reason.text(language))
                for place, reason in pam_fr_findings(message)
            ),
            *(Finding("hl7apy", place, reason.text(language)) for place, reason in opinions),
        }
    )
    _count_mapping(report, result, language)


def structure_findings(message: Message) -> Iterator[tuple[str, Reason]]:
    """Segments that the structure does not have, and a structure that is not known."""
    name = structure_name(message)
    if name not in STRUCTURES:
        yield "MSH-9", because("because-structure-unknown")
        return
    known = set(STRUCTURES[name].replace("(", " ").replace(")", " ").split())
    for segment in dict.fromkeys(segment.name for segment in message.segments):
        if segment not in known:
            own = "because-segment-own" if segment.startswith("Z") else "because-segment-foreign"
            yield segment, because(own, structure=name)


def _count_mapping(report: Onboarding, result: MappingResult, language: Language) -> None:
    report.outcomes["held" if result.held else "stored" if result.resources else "ignored"] += 1
    codes: set[tuple[str, str, bool]] = set()
    missing: set[tuple[str, str]] = set()
    others: set[Finding] = set()
    for issue in (*result.held, *result.issues):
        match issue.id:
            case "v2-code-unmapped":
                codes.add((*_of(issue, "table", "local_code"), issue.severity == "error"))
            case "v2-required-missing":
                missing.add((*_of(issue, "place"), issue.expression))
            case _:
                others.add(Finding("mapping", issue.expression or "message", issue.text(language)))
    report.codes.update(codes)
    report.missing.update(missing)
    report.findings.update(others)
    kept = (fate for fate in result.fates if fate.kind != "mapped")
    told = {(_field(fate.path), reason_text(fate.reason, language)) for fate in kept}
    report.unused.update(told)


def _of(issue: Issue, *names: str) -> Any:
    return tuple(str(issue.parameters.get(name, "")) for name in names)


def _field(path: str) -> str:
    """`OBX[3]-5[1].2` as `OBX-5.2`."""
    segment, _, rest = path.partition("-")
    number, _, component = rest.partition("[")
    inner = component.partition("].")[2]
    return f"{segment.partition('[')[0]}-{number}{f'.{inner}' if inner and inner != '1' else ''}"
