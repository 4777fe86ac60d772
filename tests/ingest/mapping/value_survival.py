"""Which values of a message appear in the resources made of it: a report, and the figures of a test.

`python -m tests.ingest.mapping.value_survival FOLDER` prints what is left for a folder of messages;
with `--write` it writes `docs/hl7v2-survival.json` and the page `docs/hl7v2-survival.md`.
"""

import json
import re
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from ingest.hl7v2 import Message
from ingest.mapping import (
    Centre,
    CentreRegister,
    Library,
    MappingResult,
    default_library,
    map_message,
)
from ingest.mapping.library import mappings_folder

DOCS = Path(__file__).parents[3] / "docs"
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
    carried: bool
    found: bool

    @property
    def fate(self) -> str:
        """`mapped` to an element, `kept` with the Provenance, `refused` by policy, `journal` only."""
        if self.kind == "mapped":
            return "mapped"
        if self.carried:
            return "kept"
        return "refused" if self.kind == "rejected" else "journal"


def library_for_any_sender() -> Library:
    library = default_library()
    return replace(library, register=AnySender(list(library.register.centres.values())))


@cache
def supported() -> frozenset[str]:
    """The segments that some map reads."""
    library = default_library()
    files = {path.stem for path in (mappings_folder() / "segments").glob("*.yaml")}
    return frozenset(files - set(library.refused))


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
        if name in supported() and not fate.path.startswith(("MSH[1]-1[", "MSH[1]-2[")):
            found = json.dumps(value, ensure_ascii=False)[1:-1].strip() in text
            found = found or (
                len(_DIGITS.sub("", value)) > 3 and _DIGITS.sub("", value)[:14] in digits
            )
            yield Survival(file, fate.path, fate.kind, fate.reason, fate.carried, found)


def read_folder(folder: Path) -> Iterator[Survival]:
    """All messages of a folder."""
    library = library_for_any_sender()
    for path in sorted(folder.rglob("*.hl7")):
        message = Message.parse(path.read_bytes())
        result = map_message(message, library=library)
        yield from survivals(path.stem, message, result)


def figures(found: Sequence[Survival]) -> dict[str, Any]:
    """The report for programs: per segment and in all, how many values have which fate."""
    counts: dict[str, Counter[str]] = {}
    for one in found:
        for name in ("all", one.path[:3]):
            counts.setdefault(name, Counter()).update(["values", one.fate])
            counts[name].update(["text found"] if one.found else [])
    return {
        name: {key: counter[key] for key in COLUMNS} for name, counter in sorted(counts.items())
    }


COLUMNS = ("values", "mapped", "kept", "refused", "journal", "text found")

PAGE = """# Which values of a message survive

Every value of the messages in `../shared/conformance/hl7v2/field-mapping` (CDCgov/prime-reportstream, CC0),
in the segments that we support. Written by `python -m tests.ingest.mapping.value_survival FOLDER --write`; a
test compares it. The figures for programs: [hl7v2-survival.json](hl7v2-survival.json).

- **mapped**: an element of a resource carries the value, or the value decides one
- **kept**: no element takes it; the Provenance of the message keeps its place and text
- **refused**: the network does not collect it, and the map says why
- **journal**: it stands in the message as received only (`""` where nothing is to be cleared, white space)
- **text found**: the very text stands in the resources; others are translated (codes, systems, times)

In the resources (mapped or kept): **{share:.1%}** of {values} values; by policy refused {refused:.1%}.

{table}
"""


def page(report: dict[str, Any]) -> str:
    """The same for people."""
    rows = ["| segment | " + " | ".join(COLUMNS) + " |", "|---|" + "---:|" * len(COLUMNS)]
    for name, row in report.items():
        rows.append(f"| {name} | " + " | ".join(str(row[key]) for key in COLUMNS) + " |")
    every = report["all"]
    return PAGE.format(
        share=(every["mapped"] + every["kept"]) / every["values"],
        values=every["values"],
        refused=every["refused"] / every["values"],
        table="\n".join(rows),
    )


def main() -> None:
    found = list(read_folder(Path(sys.argv[1])))
    report = figures(found)
    if "--write" in sys.argv:
        (DOCS / "hl7v2-survival.json").write_text(json.dumps(report, indent=1) + "\n")
        (DOCS / "hl7v2-survival.md").write_text(page(report))
    places = Counter(
        (re.sub(r"\[\d+\]", "", one.path), one.fate, one.reason)
        for one in found
        if one.fate != "mapped"
    )
    print(report["all"])  # noqa: T201 — a report
    for (path, fate, reason), count in places.most_common():
        print(f"{count:5} {path:12} {fate:9} {reason}")  # noqa: T201


if __name__ == "__main__":
    main()
