"""Values that come again: what a coded value becomes, kept for the next message that holds the same bytes.

Questions, answers, sites and services of a feed are few and always the same; what a map makes of them is
made once. A map says so by `remember: true`, and is then allowed to read nothing but the value itself.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ingest.hl7v2.segment import cut_up
from ingest.mapping.conditions import Condition, Not, Test
from ingest.mapping.context import Context, Spread, spread
from ingest.mapping.conversions import Convert
from ingest.mapping.functions import is_of_value
from ingest.mapping.language import LineMap
from ingest.mapping.places import ComponentPlace
from ingest.mapping.view import FieldView, View

MOST = 1024
LONGEST = 512
"""How many values are remembered, and bytes of one."""


@dataclass(frozen=True, slots=True)
class Known:
    """What became of a value.

    Shape: `leaves` has component, subcomponent and the end of its element for each leaf that was used;
    `is_whole` says that no other leaf has a value.
    """

    value: dict[str, Any]
    leaves: tuple[tuple[int, int, str], ...]
    is_whole: bool


def remembered(convert: Convert) -> Convert:
    """The conversion, remembered by the bytes, how they are read, and the centre.

    Shape: only what became a value without any complaint is remembered; nobody holds the value itself.
    """
    known: dict[tuple[bytes, int, str], Known] = {}

    def convert_remembered(
        context: Context, view: View, component: int, subcomponent: int, element: str
    ) -> Any:
        if component or type(view) is not FieldView:
            return convert(context, view, component, subcomponent, element)
        raw = view.raw
        if type(raw) is not bytes or len(raw) > LONGEST:
            return convert(context, view, component, subcomponent, element)
        key = (raw, id(view.segment.message.syntax), context.centre.id)
        found = known.get(key)
        if found is not None:
            return _again(context, view, element, found)
        mark, issues = len(context.ledger), len(context.issues) + len(context.held)
        value = convert(context, view, component, subcomponent, element)
        leaves = _leaves(context, mark, element)
        if value and leaves is not None and issues == len(context.issues) + len(context.held):
            if len(known) >= MOST:
                known.clear()
            known[key] = Known(_copied(value), leaves, _is_whole(view, raw, leaves))
        return value

    return convert_remembered


def _again(context: Context, view: FieldView, element: str, found: Known) -> dict[str, Any]:
    if found.is_whole:
        leaf = view.segment.index, view.field, view.number, 0, 0
        context.ledger.append((leaf, "mapped", Spread(element, found.leaves)))
    else:
        index, field, number = view.segment.index, view.field, view.number
        context.ledger += [
            ((index, field, number, component, sub), "mapped", element + rest)
            for component, sub, rest in found.leaves
        ]
    return _copied(found.value)


def _leaves(context: Context, mark: int, element: str) -> tuple[tuple[int, int, str], ...] | None:
    entries = [one for entry in context.ledger[mark:] for one in spread(entry)]
    if any(kind != "mapped" or not text.startswith(element) for _, kind, text in entries):
        return None
    return tuple((leaf[3], leaf[4], text[len(element) :]) for leaf, _, text in entries)


def _is_whole(view: FieldView, raw: bytes, leaves: Sequence[tuple[int, int, str]]) -> bool:
    used = {(component, sub) for component, sub, _ in leaves}
    syntax = view.segment.message.syntax
    present = {(component, sub) for _, _, component, sub, _ in cut_up(0, raw, syntax.ends)}
    return present <= used


def _copied(value: dict[str, Any]) -> dict[str, Any]:
    """A copy to whose elements and lists more can be added; what stands in lists is shared by all copies."""
    copy = value.copy()
    for name, part in value.items():
        if type(part) is list:
            copy[name] = part.copy()
        elif type(part) is dict:
            copy[name] = _copied(part)
    return copy


def reads_only_its_value(line_map: LineMap) -> bool:
    """Whether nothing but the value's own bytes and the centre decides what becomes of it."""
    return all(
        all(isinstance(source, ComponentPlace) for source in line.sources)
        and (not line.function or is_of_value(line.function))
        and not line.code_map
        and (line.when is None or _asks_only_its_value(line.when))
        for line in line_map.lines
    )


def _asks_only_its_value(condition: Condition) -> bool:
    if isinstance(condition, Test):
        return isinstance(condition.operand, ComponentPlace)
    if isinstance(condition, Not):
        return _asks_only_its_value(condition.part)
    return all(map(_asks_only_its_value, condition.parts))
