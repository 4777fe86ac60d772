"""Maps tried against the journal: what would be different from the maps in force. Nothing is stored.

Told are elements, counts and ids of messages, never a value.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg import sql

from fhir_server.model.issues import Language, because
from ingest.hl7v2 import Hl7SyntaxError
from ingest.journal.selection import Selection
from ingest.mapping import Library, MappingResult, map_message

EXAMPLES = 3
AT_ONCE = 100

_MESSAGES = sql.SQL("SELECT id, raw FROM ingest_message WHERE {} ORDER BY id")


@dataclass(slots=True)
class Difference:
    """Something that differs, in how many messages, and the ids of the first of them."""

    messages: int = 0
    examples: list[int] = field(default_factory=list)

    def add(self, message_id: int) -> None:
        """Count a message."""
        self.messages += 1
        if len(self.examples) < EXAMPLES:
            self.examples.append(message_id)


@dataclass(slots=True)
class DryRun:
    """The report.

    Shape: `outcomes` by outcome under the maps in force and under those tried (`stored`, `ignored`,
    `unreadable`, or `held: reason, …`); `elements` by what happens to an element (`added`, `removed`,
    `changed`) and its path.
    """

    messages: int = 0
    same: int = 0
    outcomes: dict[tuple[str, str], Difference] = field(default_factory=dict)
    elements: dict[tuple[str, str], Difference] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """The report for programs."""
        return {
            "messages": self.messages,
            "same": self.same,
            "outcomes": [
                {"before": one, "after": other, "messages": d.messages, "examples": d.examples}
                for (one, other), d in sorted(self.outcomes.items())
            ],
            "elements": [
                {"change": change, "path": path, "messages": d.messages, "examples": d.examples}
                for (change, path), d in sorted(self.elements.items())
            ],
        }

    def as_text(self, language: Language) -> Iterator[str]:
        """The lines for people. Shape: outcomes and changes by the words that programs read too."""
        yield because("because-dry-run", messages=self.messages, same=self.same).text(language)
        for (one, other), d in sorted(self.outcomes.items()):
            yield f"{one} → {other}: {d.messages} ({_ids(d)})"
        for (change, path), d in sorted(self.elements.items()):
            yield f"{change} {path}: {d.messages} ({_ids(d)})"


def _ids(difference: Difference) -> str:
    more = ", …" if difference.messages > len(difference.examples) else ""
    return ", ".join(map(str, difference.examples)) + more


def dry_run(
    connection: psycopg.Connection[Any], selection: Selection, in_force: Library, tried: Library
) -> DryRun:
    """Map messages of the journal by both libraries and compare.

    Shape: both without a look into the store, so that a difference is the maps' own.
    Cost: two mappings a message, some milliseconds each; messages are read a hundred at a time.
    """
    report = DryRun()
    with connection.transaction(), connection.cursor(name="dry_run") as cursor:
        cursor.itersize = AT_ONCE
        cursor.execute(_MESSAGES.format(selection.condition()), selection.parameters())
        for message_id, raw in cursor:
            _compare(report, message_id, _mapped(raw, in_force), _mapped(raw, tried))
    return report


def _mapped(raw: bytes, library: Library) -> MappingResult | None:
    try:
        message = library.register.read(raw)
        return None if message.faults() else map_message(message, library=library)
    except Hl7SyntaxError:
        return None


def _compare(
    report: DryRun, message_id: int, before: MappingResult | None, after: MappingResult | None
) -> None:
    report.messages += 1
    outcomes = _outcome(before), _outcome(after)
    changes = set(_changes(_leaves(before), _leaves(after)))
    if outcomes[0] != outcomes[1]:
        report.outcomes.setdefault(outcomes, Difference()).add(message_id)
    for change in changes:
        report.elements.setdefault(change, Difference()).add(message_id)
    report.same += not changes and outcomes[0] == outcomes[1]


def _outcome(result: MappingResult | None) -> str:
    if result is None:
        return "unreadable"
    if result.held:
        return f"held: {', '.join(sorted({issue.id for issue in result.held}))}"
    return "stored" if result.resources else "ignored"


Leaves = Mapping[str, Counter[str]]


def _leaves(result: MappingResult | None) -> Leaves:
    """Path → the values there in all resources of the message."""
    found: dict[str, Counter[str]] = {}
    for resource in result.resources if result else ():
        for path, value in _walk(str(resource["resourceType"]), resource):
            found.setdefault(path, Counter())[value] += 1
    return found


def _walk(path: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for name, part in value.items():
            extension = name in {"extension", "modifierExtension"}
            yield from _extensions(path, name, part) if extension else _walk(f"{path}.{name}", part)
    elif isinstance(value, list):
        for part in value:
            yield from _walk(path, part)
    else:
        yield path, repr(value)


def _extensions(path: str, name: str, extensions: Any) -> Iterator[tuple[str, str]]:
    for one in extensions:
        short = str(one.get("url", "")).rpartition("/")[2]
        inner = {key: part for key, part in one.items() if key != "url"}
        yield from _walk(f"{path}.{name}({short})", inner)


def _changes(before: Leaves, after: Leaves) -> Iterator[tuple[str, str]]:
    for path in before.keys() | after.keys():
        if path not in before:
            yield "added", path
        elif path not in after:
            yield "removed", path
        elif before[path] != after[path]:
            yield "changed", path
