"""A map ready to run: its lines over the segments in sight, or over one value."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ingest.hl7v2.segment import Segment
from ingest.mapping.context import Context, ReadName
from ingest.mapping.conversions import take_back
from ingest.mapping.decide import compile_condition
from ingest.mapping.dispatch import Key, dispatch_for
from ingest.mapping.language import Line, LineMap
from ingest.mapping.runs import RunLine
from ingest.mapping.targets import Setter
from ingest.mapping.view import View

CompiledLine = tuple[Line, int, RunLine]
"""A line, the field or component of its own without which it does nothing (0: none), its closure."""

MOST_SHAPES = 512
"""Of how many combinations of names and fields asked for a map remembers the lines; feeds have a few."""


class CompiledMap:
    """A map ready to run: fills a target from the segments in sight, or from one value."""

    __slots__ = (
        "_compile", "_decide", "_dispatch", "_dispatched", "_into", "_lines", "line_map", "names"
    )  # fmt: skip

    def __init__(
        self,
        line_map: LineMap,
        lines: Sequence[Line],
        compile_line: Callable[[Line], CompiledLine],
        names: Mapping[str, ReadName],
        into: Setter | None,
    ) -> None:
        self._into = into
        self.line_map = line_map
        self.names = names
        self._compile = compile_line
        self._lines = tuple(map(compile_line, lines))
        self._decide = compile_condition(line_map.when) if line_map.when else None
        self._dispatch = dispatch_for(line_map, lines)
        self._dispatched: dict[tuple[Key, bytes], tuple[CompiledLine, ...]] = {}

    def fill(
        self, context: Context, view: View | None, target: dict[str, Any], element: str
    ) -> None:
        """Run every line in order, but for those that read nothing but an empty component."""
        parts = view.parts() if view is not None else ()
        size = len(parts)
        for _, number, run in self._lines:
            if not number or (number <= size and parts[number - 1]):
                run(context, view, target, element)

    def fill_from_segment(
        self, context: Context, segment: Segment, target: dict[str, Any], element: str
    ) -> None:
        """The same for a segment now in sight, with the names of `let:` bound.

        Cost: lines that read nothing but an empty field of the segment, and those that the values of
        `dispatch` rule out, are not run.
        """
        context.bind(self.names)
        if self._decide is not None and not self._decide(context, None):
            return
        if self._into is not None:
            self._fill_entry(self._into, context, segment, target, element)
        else:
            self._run_lines(context, segment, target, element)

    def _fill_entry(
        self,
        into: Setter,
        context: Context,
        segment: Segment,
        target: dict[str, Any],
        element: str,
    ) -> None:
        entry: dict[str, Any] = {}
        mark = len(context.ledger)
        self._run_lines(context, segment, entry, f"{element}.{self.line_map.into.rstrip('+')}")
        missing = [name for name in self.line_map.needs if name not in entry]
        if missing:
            take_back(context, mark, f"incomplete: no {missing[0]} for {element}")
        elif entry:
            into(target, entry)

    def _run_lines(
        self, context: Context, segment: Segment, target: dict[str, Any], element: str
    ) -> None:
        fields = segment.fields
        size = len(fields)
        for _, number, run in self._open_lines(self._dispatch.key(context), segment):
            if not number or (number < size and fields[number]):
                run(context, None, target, element)

    def _open_lines(self, key: Key, segment: Segment) -> tuple[CompiledLine, ...]:
        shape = self._dispatch.shape(segment)
        found = self._dispatched.get((key, shape))
        if found is None:
            narrowed = [self._dispatch.narrowed(line, key, shape) for line, _, _ in self._lines]
            found = tuple(self._compile(line) for line in narrowed if line is not None)
            if len(self._dispatched) >= MOST_SHAPES:
                self._dispatched.clear()
            self._dispatched[key, shape] = found
        return found
