"""Where the elements of a profile come from in HL7 v2, as the maps say.

A message plan (`mappings/messages/`) names a profile and the segment maps that fill it; a line of a
segment map (`mappings/segments/`) names a field and the element it goes to. A line that puts a profile
into `meta.profile` makes its segment map one of that profile too.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml


@dataclass(frozen=True, slots=True, order=True)
class Origin:
    """One line of the maps: the element it fills, from where, in which messages, and when."""

    element: str
    field: str
    messages: str
    condition: str
    note: str


def read_origins(mappings: Path) -> Mapping[str, Sequence[Origin]]:
    """The origins of each profile, by the last part of its URL; empty where there are no maps."""
    segments = {
        content["segment"]: content.get("maps", {})
        for content in _read(mappings / "segments", "segment")
    }
    found: dict[str, set[Origin]] = {}
    for plan in _read(mappings / "messages", "message"):
        messages = ", ".join(plan["types"])
        for resource in plan["resources"]:
            for profile, name in _filled(resource, segments):
                lines = segments.get(name.partition(".")[0], {}).get(name.partition(".")[2], {})
                found.setdefault(profile, set()).update(_origins(lines, messages))
    return {profile: sorted(origins) for profile, origins in found.items()}


def _read(folder: Path, kind: str) -> Iterator[dict[str, Any]]:
    for path in sorted(folder.glob("*.yaml")) if folder.is_dir() else ():
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        if isinstance(content, dict) and kind in content:
            yield content


def _filled(
    resource: Mapping[str, Any], segments: Mapping[str, Mapping[str, Any]]
) -> Iterator[tuple[str, str]]:
    """Profile and segment map, for every profile that a resource of a plan may claim."""
    for name in (*resource.get("from", ()), *resource.get("gather", ())):
        if "profile" in resource:
            yield resource["profile"], name
        segment, _, kind = name.partition(".")
        for line in segments.get(segment, {}).get(kind, {}).get("lines", ()):
            if str(line.get("to", "")).startswith("meta.profile"):
                yield str(line["value"]).rpartition("/")[2], name


def in_words(condition: str, words: Mapping[str, str]) -> str:
    """A condition of the maps with its operators in the words of a reader; codes and fields stay."""
    return re.sub(r"'[^']*'|[\w.-]+", lambda found: words.get(found[0], found[0]), condition)


def _origins(segment_map: Mapping[str, Any], messages: str) -> Iterator[Origin]:
    """The lines of a map; what goes into a part of the resource stands below that part."""
    below = f"{str(segment_map['into']).rstrip('+')}." if "into" in segment_map else ""
    for line in segment_map.get("lines", ()):
        element = str(line.get("to", ""))
        if element and not element.startswith("meta.") and "from" in line:
            yield Origin(
                element=below + element.rstrip("+"),
                field=str(line["from"]),
                messages=messages,
                condition=str(line.get("when", "")),
                note=str(line.get("departs", "")),
            )
