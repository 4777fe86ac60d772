"""The account of a message: one fate for every leaf that is not empty, drawn up when it is asked for."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ingest.mapping.compiled_map import CompiledMap
from ingest.mapping.context import Entry, spread
from ingest.mapping.language import Line, LineMap
from ingest.mapping.places import ComponentPlace, FieldPlace
from ingest.mapping.result import Fate, FateKind
from ingest.mapping.runs import FATE_OF
from ingest.mapping.view import Leaf

Rule = tuple[FateKind, str]
Rules = Mapping[tuple[str, int, int], Rule]
"""Segment, field and component (0: every one) → what a line without condition says of it."""

READ = -1
"""In place of a component: some line reads the field."""

RANK: Mapping[FateKind, int] = {"mapped": 0, "rejected": 1, "kept": 2}
NO_SEGMENT_MAP = "no map reads this segment in this message"
NO_LINE = "no line of the maps reads this field"
NO_COMPONENT_LINE = "the element has no place for this component"
FURTHER_REPETITION = "the element takes one value, the first"
CONDITION_NOT_MET = "the conditions of the lines that read this field are not met"
DELIMITERS = "says how the message is written"


def static_rules(maps: Sequence[CompiledMap], line_maps: Mapping[str, LineMap]) -> Rules:
    """What the maps' steers, keep and reject lines say, down to the components of their data types."""
    rules: dict[tuple[str, int, int], Rule] = {}
    for compiled in maps:
        for line in compiled.line_map.lines:
            for source in line.sources:
                if isinstance(source, FieldPlace):
                    _note(rules, line, source, line_maps)
    return rules


def settled_places(rules: Rules) -> dict[str, dict[int, frozenset[int]]]:
    """Of the rules those that settle a value: it steers, or it must not be stored."""
    settled: dict[str, dict[int, set[int]]] = {}
    for (segment, field, component), (kind, _) in rules.items():
        fields = settled.setdefault(segment, {})
        if kind != "kept" and component != READ:
            fields.setdefault(field, set()).add(component)
    return {
        segment: {field: frozenset(components) for field, components in fields.items()}
        for segment, fields in settled.items()
    }


def _note(
    rules: dict[tuple[str, int, int], Rule],
    line: Line,
    place: FieldPlace,
    line_maps: Mapping[str, LineMap],
) -> None:
    field = (place.segment, place.field)
    if line.kind in FATE_OF:
        if line.when is None:
            text = line.reason if line.kind != "steers" else f"decides {line.reason}"
            rules.setdefault((*field, place.component), (FATE_OF[line.kind], text))
        return
    rules.setdefault((*field, READ), ("kept", ""))
    inner = line_maps.get(line.type)
    for part in inner.lines if inner and not place.component else ():
        for source in part.sources:
            if isinstance(source, ComponentPlace) and part.kind in FATE_OF and part.when is None:
                rules.setdefault((*field, source.component), (FATE_OF[part.kind], part.reason))


def account(
    segments: Sequence[Any],
    ledger: Sequence[Entry],
    rules: Rules,
    refused: Mapping[str, str],
    carried: frozenset[str] = frozenset(),
) -> tuple[Fate, ...]:
    """One fate per leaf, in message order.

    Shape: what the ledger says of a leaf comes first (mapped before rejected before kept), then what
    the maps say of its field, then the reason why no line speaks of it. `refused` gives the reason for
    each segment that is refused as a whole, `carried` the places that the Provenance keeps.
    """
    noted: dict[Leaf, list[tuple[FateKind, str]]] = {}
    for entry in ledger:
        for leaf, kind, text in spread(entry):
            noted.setdefault(leaf, []).append((kind, text))
    known = frozenset(segment for segment, _, _ in rules)
    sequences: Counter[str] = Counter()
    fates: list[Fate] = []
    for segment in segments:
        name = segment.name
        sequences[name] += 1
        for field, repetition, component, sub, _raw in segment.leaves():
            leaf = (segment.index, field, repetition, component, sub)
            path = f"{name}[{sequences[name]}]-{field}[{repetition}].{component}"
            found = [entry for key in _covering(leaf) for entry in noted.get(key, ())]
            path = f"{path}.{sub}" if sub > 1 else path
            if name in refused:
                fates.append(Fate(path, "rejected", (), refused[name]))
                continue
            kind, texts = _noted_fate(found) if found else _unnoted_fate(name, leaf, rules, known)
            reason = "" if kind == "mapped" else texts[0]
            elements = texts if kind == "mapped" else ()
            fates.append(Fate(path, kind, elements, reason, carried=path in carried))
    return tuple(fates)


def _covering(leaf: Leaf) -> Iterator[Leaf]:
    segment, field, repetition, component, _sub = leaf
    yield leaf
    yield segment, field, repetition, component, 0
    yield segment, field, repetition, 0, 0


def _noted_fate(found: Sequence[tuple[FateKind, str]]) -> tuple[FateKind, tuple[str, ...]]:
    kind = min((kind for kind, _ in found), key=RANK.__getitem__)
    return kind, tuple(dict.fromkeys(text for one, text in found if one == kind))


def _unnoted_fate(
    name: str, leaf: Leaf, rules: Rules, known: frozenset[str]
) -> tuple[FateKind, tuple[str, ...]]:
    _, field, repetition, component, _sub = leaf
    rule = rules.get((name, field, component)) or rules.get((name, field, 0))
    if rule is not None:
        return rule[0], (rule[1],)
    if name in {"MSH", "FHS", "BHS"} and field in {1, 2}:
        return "kept", (DELIMITERS,)
    if name not in known:
        return "kept", (NO_SEGMENT_MAP,)
    if (name, field, READ) not in rules:
        return "kept", (NO_LINE,)
    if repetition > 1:
        return "kept", (FURTHER_REPETITION,)
    return "kept", (NO_COMPONENT_LINE if component > 1 else CONDITION_NOT_MET,)
