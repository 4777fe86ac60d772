"""The lines of a map as closures, one kind of line after the other.

Shape: a run takes the context, the value in sight (None for a line of a segment), the target it fills and
the element that target is.
"""

from collections.abc import Callable, Mapping
from typing import Any

from ingest.hl7v2.segment import NULL
from ingest.mapping.context import Context
from ingest.mapping.conversions import Convert, take_back
from ingest.mapping.decide import Decide, compile_condition
from ingest.mapping.functions import Compute
from ingest.mapping.language import Line
from ingest.mapping.places import ComponentPlace, FieldPlace, Place
from ingest.mapping.result import FateKind
from ingest.mapping.targets import Setter
from ingest.mapping.view import View

RunLine = Callable[[Context, View | None, dict[str, Any], str], object]
Select = Callable[[Context, View | None], list[View]]
Copy = Callable[[Context, View | None, dict[str, Any], str], bool]
FATE_OF: Mapping[str, FateKind] = {"steers": "mapped", "keep": "kept", "reject": "rejected"}
ANOTHER_VALUE = "the element holds another value, which came first"


def _select(place: Place) -> Select:
    if isinstance(place, FieldPlace):
        segment, number = place.segment, place.field
        return lambda context, _view: context.views(segment, number)
    return lambda _context, view: [view] if view is not None else []


def _select_inner(place: Place) -> Select:
    """The values of a place, or the component of each that it names."""
    select, component = _select(place), place.component
    if not component:
        return select
    return lambda context, view: [found.inner(component) for found in select(context, view)]


def _label(line: Line) -> str:
    return "." + line.target.replace("+", "")


def _depth(place: Place) -> tuple[int, int]:
    return place.component, place.subcomponent


def fate_line(line: Line) -> RunLine:
    """A keep, reject or steers line with a condition: it only writes into the ledger."""
    decide = compile_condition(line.when) if line.when else lambda _context, _view: True
    selects = [_select(source) for source in line.sources]
    depths = [_depth(source) for source in line.sources]
    kind = FATE_OF[line.kind]

    def run(context: Context, view: View | None, _target: dict[str, Any], element: str) -> None:
        if not decide(context, view):
            return
        text = f"{element}.{line.reason}" if kind == "mapped" else line.reason
        for select, (component, subcomponent) in zip(selects, depths, strict=True):
            for found in select(context, view):
                leaf = found.leaf(component, subcomponent) if component else found.whole()
                context.ledger.append((leaf, kind, text))
                if kind == "rejected":
                    context.forbidden.add(leaf)

    return run


def set_line(line: Line, setter: Setter, decide: Decide | None) -> RunLine:
    """A line that sets a fixed value."""
    value: Any = (
        {"true": True, "false": False}[line.value] if line.type == "boolean" else line.value
    )

    def run(context: Context, view: View | None, target: dict[str, Any], _element: str) -> None:
        if decide is None or decide(context, view):
            setter(target, value)

    return run


def function_line(line: Line, setter: Setter, decide: Decide | None, compute: Compute) -> RunLine:
    """A line that a named function computes from all its values."""
    first, *others = [_select_inner(source) for source in line.sources]
    label = _label(line)

    def run(context: Context, view: View | None, target: dict[str, Any], element: str) -> None:
        if decide is not None and not decide(context, view):
            return
        views = first(context, view)
        for select in others:
            views = [*views, *select(context, view)]
        mark = len(context.ledger)
        value = compute(context, views, element + label)
        if value is not None:
            _put(context, mark, setter, target, value)

    return run


def copy_line(
    line: Line, setter: Setter, decide: Decide | None, convert: Convert, clears: str
) -> RunLine:
    """A line that copies and converts: the first alternative that gives a value.

    Shape: `clears` is the element that a field of `""` clears.
    """
    if isinstance(line.sources[0], ComponentPlace) and len(line.sources) == 1:
        return _component_line(setter, decide, convert, _depth(line.sources[0]), _label(line))
    copies = [_copy_from(source, line, setter, convert, clears) for source in line.sources]
    first, *others = copies
    if not others:
        return _only_line(decide, first)

    def run(context: Context, view: View | None, target: dict[str, Any], element: str) -> None:
        if decide is not None and not decide(context, view):
            return
        if first(context, view, target, element):
            return
        for copy in others:
            if copy(context, view, target, element):
                return

    return run


def _only_line(decide: Decide | None, copy: Copy) -> RunLine:
    """A line without alternatives."""
    if decide is None:
        return copy

    def run(context: Context, view: View | None, target: dict[str, Any], element: str) -> None:
        if decide(context, view):
            copy(context, view, target, element)

    return run


def _copy_from(source: Place, line: Line, setter: Setter, convert: Convert, clears: str) -> Copy:
    """Copy from one of the alternatives; true where it gave a value, or cleared the element."""
    if isinstance(source, FieldPlace):
        return _copy_from_field(source, line, setter, convert, clears)
    (component, subcomponent), label = _depth(source), _label(line)

    def copy(context: Context, view: View | None, target: dict[str, Any], element: str) -> bool:
        if view is None:
            return False
        mark = len(context.ledger)
        value = convert(context, view, component, subcomponent, element + label)
        if value is None:
            return False
        _put(context, mark, setter, target, value)
        return True

    return copy


def _copy_from_field(
    source: FieldPlace, line: Line, setter: Setter, convert: Convert, clears: str
) -> Copy:
    """The same from a field, of which each repetition counts where the target takes many."""
    segment, number = source.segment, source.field
    (component, subcomponent), label = _depth(source), _label(line)
    many = "+" in line.target

    def copy(context: Context, _view: View | None, target: dict[str, Any], element: str) -> bool:
        done = False
        for found in context.views(segment, number):
            if found.is_null:
                context.mapped(found.whole(), f"{element}{label} (cleared)")
                context.cleared.add(f"{element}.{clears}")
                return True
            mark = len(context.ledger)
            value = convert(context, found, component, subcomponent, element + label)
            if value is not None:
                if not setter(target, value):
                    take_back(context, mark, ANOTHER_VALUE)
                done = True
                if not many:
                    break
        return done

    return copy


def _component_line(
    setter: Setter, decide: Decide | None, convert: Convert, depth: tuple[int, int], label: str
) -> RunLine:
    """A line of a data type that reads one component: by far the most that are run."""
    component, subcomponent = depth

    def run(context: Context, view: View | None, target: dict[str, Any], element: str) -> None:
        if view is None or (decide is not None and not decide(context, view)):
            return
        mark = len(context.ledger)
        value = convert(context, view, component, subcomponent, element + label)
        if value is not None:
            _put(context, mark, setter, target, value)

    return run


def _put(
    context: Context, mark: int, setter: Setter, target: dict[str, Any], value: object
) -> None:
    """Set a value; what the ledger says of it since the mark is taken back where the element is taken."""
    if not setter(target, value):
        take_back(context, mark, ANOTHER_VALUE)


def join_line(line: Line, decide: Decide | None) -> RunLine:
    """Repetitions, and segments that continue each other, put together into one text."""
    between = {"newline": "\n", "space": " "}.get(line.join or "", line.join or "")
    name = line.target
    selects = [_select(source) for source in line.sources]
    label = _label(line)

    def run(context: Context, view: View | None, target: dict[str, Any], element: str) -> None:
        if decide is not None and not decide(context, view):
            return
        texts = [target[name]] if name in target else []
        for select in selects:
            for found in select(context, view):
                text = found.as_text()
                if text is not None and text != NULL:
                    texts.append(text)
                    context.mapped(found.whole(), element + label)
        joined = between.join(texts)
        if joined.strip():
            target[name] = joined

    return run
