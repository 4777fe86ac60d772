"""Which values of a message appear in the resources made of it: a report, and the figures of a test.

`python -m tests.ingest.mapping.value_survival FOLDER` prints the report for a folder of messages.
"""

import json
import re
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from ingest.hl7v2 import Message
from ingest.mapping import (
    Centre,
    CentreRegister,
    Library,
    MappingResult,
    default_library,
    map_message,
)

SUPPORTED = frozenset({"MSH", "EVN", "PID", "PV1", "ORC", "OBR", "NTE", "OBX", "SPM"})
_DIGITS = re.compile(r"\D")


class AnySender(CentreRegister):
    """A register for which every sender is its first centre: the suite's senders are of no network."""

    def of_sender(self, application: str | None, facility: str | None) -> Centre:  # noqa: ARG002 — overrides
        return next(iter(self.centres.values()))


@dataclass(frozen=True, slots=True)
class Survival:
    """One value: where it stands, what the account says of it, and whether its text is found."""

    file: str
    path: str
    kind: str
    reason: str
    found: bool


def library_for_any_sender() -> Library:
    library = default_library()
    return replace(library, register=AnySender(list(library.register.centres.values())))


def survivals(file: str, message: Message, result: MappingResult) -> Iterator[Survival]:
    """The values of the segments that we support."""
    text = json.dumps(result.resources, ensure_ascii=False, default=str)
    digits = _DIGITS.sub("", text)
    values = [
        (segment.name, message.decode(leaf[4]))
        for segment in message.segments
        for leaf in segment.leaves()
    ]
    for (name, value), fate in zip(values, result.fates, strict=True):
        if name in SUPPORTED and not fate.path.startswith(("MSH[1]-1[", "MSH[1]-2[")):
            found = json.dumps(value, ensure_ascii=False)[1:-1].strip() in text
            found = found or (
                len(_DIGITS.sub("", value)) > 3 and _DIGITS.sub("", value)[:14] in digits
            )
            yield Survival(file, fate.path, fate.kind, fate.reason, found)


def read_folder(folder: Path) -> Iterator[Survival]:
    """All messages of a folder."""
    library = library_for_any_sender()
    for path in sorted(folder.rglob("*.hl7")):
        message = Message.parse(path.read_bytes())
        result = map_message(message, library=library)
        yield from survivals(path.stem, message, result)


def main() -> None:
    found = list(read_folder(Path(sys.argv[1])))
    kinds = Counter(one.kind for one in found)
    places = Counter(
        (re.sub(r"\[\d+\]", "", one.path), one.kind, one.reason)
        for one in found
        if one.kind != "mapped"
    )
    unseen = Counter(
        re.sub(r"\[\d+\]", "", one.path) for one in found if one.kind == "mapped" and not one.found
    )
    print(f"{len(found)} values in supported segments: {dict(kinds)}")  # noqa: T201 — a report
    for (path, kind, reason), count in places.most_common():
        print(f"{count:5} {path:12} {kind:9} {reason}")  # noqa: T201
    print("translated (the code or name stands under another text):", dict(unseen.most_common()))  # noqa: T201


if __name__ == "__main__":
    main()
