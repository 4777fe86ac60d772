"""Values that come again: what a coded value becomes, kept for the next message that holds the same bytes.

Questions, answers, sites and services of a feed are few and always the same; what a map makes of them is
made once. A map says so by `remember: true`, and is then allowed to read nothing but the value itself.
"""

from typing import Any

from ingest.mapping.conditions import Condition, Not, Test
from ingest.mapping.context import Context
from ingest.mapping.conversions import Convert
from ingest.mapping.functions import is_of_value
from ingest.mapping.language import LineMap
from ingest.mapping.places import ComponentPlace
from ingest.mapping.view import View

MOST = 4096
LONGEST = 512
"""How many values are remembered, and bytes of one."""

Known = tuple[dict[str, Any], list[tuple[int, int, str]]]
"""The value, and of each leaf it used component, subcomponent and the end of its element."""


def remembered(convert: Convert) -> Convert:
    """The conversion, remembered by the bytes, how they are read, and the centre.

    Shape: only what became a value without any complaint is remembered; nobody holds the value itself.
    """
    known: dict[tuple[bytes, int, str], Known] = {}

    def convert_remembered(
        context: Context, view: View, component: int, subcomponent: int, element: str
    ) -> Any:
        raw = view.repetition.raw
        if component or type(view) is not View or type(raw) is not bytes or len(raw) > LONGEST:
            return convert(context, view, component, subcomponent, element)
        key = (raw, id(view.repetition.segment.message.syntax), context.centre.id)
        found = known.get(key)
        if found is not None:
            return _again(context, view, element, found)
        mark, issues = len(context.ledger), len(context.issues) + len(context.held)
        value = convert(context, view, component, subcomponent, element)
        leaves = _leaves(context, mark, element)
        if value and leaves is not None and issues == len(context.issues) + len(context.held):
            if len(known) >= MOST:
                known.clear()
            known[key] = (_copied(value), leaves)
        return value

    return convert_remembered


def _again(context: Context, view: View, element: str, found: Known) -> dict[str, Any]:
    value, leaves = found
    repetition = view.repetition
    index, field, number = repetition.segment.index, repetition.field, repetition.number
    context.ledger += [
        ((index, field, number, component, sub), "mapped", element + rest)
        for component, sub, rest in leaves
    ]
    copied: dict[str, Any] = _copied(value)
    return copied


def _leaves(context: Context, mark: int, element: str) -> list[tuple[int, int, str]] | None:
    entries = context.ledger[mark:]
    if any(kind != "mapped" or not text.startswith(element) for _, kind, text in entries):
        return None
    return [(leaf[3], leaf[4], text[len(element) :]) for leaf, _, text in entries]


def _copied(value: Any) -> Any:
    if type(value) is dict:
        return {name: part if type(part) is str else _copied(part) for name, part in value.items()}
    if type(value) is list:
        return [part if type(part) is str else _copied(part) for part in value]
    return value


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
