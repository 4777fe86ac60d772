"""What no element takes: values that FHIR has no place for are kept with the Provenance of the message.

Every leaf of a segment that the maps know is mapped, forbidden, or ends here, whatever the reason: no line
reads it, its condition is not met, its data type has no element for it, its form is not what the element
takes. What a map forbids stays out. Segments that no map knows stay in the journal only, because nobody
has decided what they may hold.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ingest.hl7v2.segment import Segment
from ingest.mapping.context import Context
from ingest.mapping.primitives import plain_text
from ingest.mapping.view import Leaf

V2_KEPT = "https://osteon.example/fhir/StructureDefinition/v2-kept"
LONGEST = 4096
"""Bytes of a value that is kept so; a longer one (a document) stays in the journal only."""

Settled = Mapping[str, Mapping[int, frozenset[int]]]
"""Segment and field → the components that a line without condition steers by or forbids; 0: all."""


def keep_with(provenance: dict[str, Any], values: Sequence[tuple[str, str]]) -> None:
    """Write places and values into the Provenance, one extension each, in message order."""
    if values:
        provenance.setdefault("extension", []).extend(
            {
                "url": V2_KEPT,
                "extension": [
                    {"url": "place", "valueString": place},
                    {"url": "text", "valueString": text},
                ],
            }
            for place, text in values
        )


def kept_values(
    segments: Sequence[Segment], context: Context, settled: Settled
) -> list[tuple[str, str]]:
    """The values to keep, each with its place (`OBX[3]-13[1].1`).

    Cost: one walk over the message; a field that is a single value is not cut.
    """
    done: set[Leaf] = {leaf for leaf, kind, _ in context.ledger if kind == "mapped"}
    done |= context.forbidden
    sequences: dict[str, int] = {}
    found: list[tuple[str, str]] = []
    for segment in segments:
        name = segment.name
        sequence = sequences[name] = sequences.get(name, 0) + 1
        rules = settled.get(name)
        if rules is None:
            continue
        for field, repetition, component, sub, raw in _open_leaves(segment, done, rules):
            if len(raw) > LONGEST or raw == b'""':
                continue
            text = plain_text(segment.message.decode(raw))
            if text:
                place = f"{name}[{sequence}]-{field}[{repetition}].{component}"
                found.append((f"{place}.{sub}" if sub > 1 else place, text))
    return found


def _open_leaves(
    segment: Segment, done: set[Leaf], rules: Mapping[int, frozenset[int]]
) -> Iterator[tuple[int, int, int, int, Any]]:
    index = segment.index
    open_fields = _open_fields(segment, done, rules)
    if not open_fields:
        return
    for leaf in segment.leaves(open_fields):
        field, repetition, component, sub, _raw = leaf
        settled = rules.get(field)
        if settled is not None and component in settled:
            continue
        if (
            (index, field, repetition, component, sub) not in done
            and (index, field, repetition, component, 0) not in done
            and (index, field, repetition, 0, 0) not in done
        ):
            yield leaf


def _open_fields(
    segment: Segment, done: set[Leaf], rules: Mapping[int, frozenset[int]]
) -> list[int]:
    """The fields in which something may be left: not those that are settled, or one mapped value."""
    index = segment.index
    first = 3 if segment.is_header else 1
    syntax = segment.message.syntax
    found: list[int] = []
    for number, field in enumerate(segment.fields):
        if not field or number < first or 0 in rules.get(number, ()):
            continue
        is_whole = (index, number, 1, 0, 0) in done
        if is_whole and isinstance(field, bytes) and syntax.ends[0] not in field:
            continue
        is_single = is_whole or (index, number, 1, 1, 1) in done
        if not (is_single and syntax.is_plain(field)):
            found.append(number)
    return found
