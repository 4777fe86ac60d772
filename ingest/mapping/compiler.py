"""Maps compiled to closures, once, when they are loaded.

Every line becomes one closure over values read from YAML; nothing of a map or message is ever
formatted into source text.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ingest.hl7v2.segment import NULL, Segment
from ingest.mapping.codes import POLICIES, CodeMap, CodeMaps
from ingest.mapping.context import Context
from ingest.mapping.conversions import (
    Convert,
    coded,
    concept,
    datatype,
    primitive,
    take_back,
    whole_text,
)
from ingest.mapping.decide import Decide, compile_condition
from ingest.mapping.dispatch import Key, dispatch_for
from ingest.mapping.functions import Compute, functions
from ingest.mapping.language import Line, LineMap, Name
from ingest.mapping.places import ComponentPlace, FieldPlace, Place
from ingest.mapping.primitives import PRIMITIVES
from ingest.mapping.result import FateKind
from ingest.mapping.targets import Setter, TargetError, compile_target
from ingest.mapping.view import View
from ingest.mapping.yaml_source import Section

RunLine = Callable[[Context, View | None, dict[str, Any], str], None]
Select = Callable[[Context, View | None], list[View]]
ReadName = Callable[[Context], str | None]
FATE_OF: Mapping[str, FateKind] = {"steers": "mapped", "keep": "kept", "reject": "rejected"}
ANOTHER_VALUE = "the element holds another value, which came first"
CODED_FORMS = ("code", "Coding", "CodeableConcept")


@dataclass(frozen=True, slots=True)
class CompiledLine:
    """A line, the field or component of its own without which it does nothing (0: none), its closure."""

    line: Line
    own_field: int
    run: RunLine


class CompiledMap:
    """A map ready to run: fills a target from the segments in sight, or from one value."""

    __slots__ = ("_decide", "_dispatch", "_dispatched", "_into", "_lines", "line_map", "names")

    def __init__(
        self,
        line_map: LineMap,
        lines: Sequence[CompiledLine],
        names: Mapping[str, ReadName],
        into: Setter | None,
    ) -> None:
        self._into = into
        self.line_map = line_map
        self.names = names
        self._lines = tuple((line.own_field, line.run) for line in lines)
        self._decide = compile_condition(line_map.when) if line_map.when else None
        self._dispatch = dispatch_for(line_map, [line.line for line in lines])
        self._dispatched: dict[Key, Sequence[CompiledLine]] = {(): lines}

    def fill(
        self, context: Context, view: View | None, target: dict[str, Any], element: str
    ) -> None:
        """Run every line in order, but for those that read nothing but an empty component."""
        parts = view.parts() if view is not None else ()
        size = len(parts)
        for number, run in self._lines:
            if not number or (number <= size and parts[number - 1]):
                run(context, view, target, element)

    def fill_from_segment(
        self, context: Context, segment: Segment, target: dict[str, Any], element: str
    ) -> None:
        """The same for a segment now in sight, with the names of `let:` bound.

        Cost: lines that read nothing but an empty field of the segment, and those that the values of
        `dispatch` rule out, are not run.
        """
        context.names = {name: read(context) for name, read in self.names.items()}
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
        for line in self._open_lines(self._dispatch.key(context)):
            number = line.own_field
            if not number or (number < size and fields[number]):
                line.run(context, None, target, element)

    def _open_lines(self, key: Key) -> Sequence[CompiledLine]:
        found = self._dispatched.get(key)
        if found is None:
            lines = self._dispatched[()]
            found = tuple(line for line in lines if self._dispatch.admits(line.line, key))
            self._dispatched[key] = found
        return found


class Compiler:
    """Compiles maps that may refer to each other."""

    def __init__(
        self, line_maps: Mapping[str, LineMap], codes: CodeMaps, extensions: Mapping[str, str]
    ) -> None:
        self._line_maps = line_maps
        self._codes = codes
        self._extensions = extensions
        self._compiled: dict[str, CompiledMap] = {}

    def compile(self, name: str) -> CompiledMap:
        """The map of this name, compiled on first use."""
        found = self._compiled.get(name)
        if found is None:
            line_map = self._line_maps[name]
            kept = [
                line
                for line in line_map.lines
                if line.kind in {"copy", "set"} or line.when is not None
            ]
            lines = [
                CompiledLine(line, _own_field(line, line_map), self._line(line, line_map))
                for line in kept
            ]
            names = {key: self.name(name) for key, name in line_map.names.items()}
            found = self._compiled[name] = CompiledMap(
                line_map, lines, names, self._entry(line_map)
            )
        return found

    def _entry(self, line_map: LineMap) -> Setter | None:
        if not line_map.into:
            return None
        try:
            return compile_target(line_map.into, self._extensions)
        except TargetError as fault:
            raise line_map.section.fault(str(fault), "into") from None

    def name(self, name: Name) -> ReadName:
        """The reader of a `let:` name."""
        if name.function:
            compute = self._function(name.section, name.function)
            place = name.place
            return lambda context: compute(context, context.views(place.segment, place.field), "")
        code_map = self._known_code_map(name.section, name.code_map)
        segment, number = name.place.segment, name.place.field
        rule = hash((name.place, name.code_map))

        def read(context: Context) -> str | None:
            own = context.current.get(segment)
            if own is None:
                return None
            key = (rule, own.index)
            if key not in context.named:
                context.named[key] = code_of(context)
            return context.named[key]

        def code_of(context: Context) -> str | None:
            for view in context.views(segment, number)[:1]:
                for component in (1, 4):
                    text = view.get(component)
                    target = text and context.codes.translate(code_map, text, context.centre.id)
                    if target:
                        return target.code
            return None

        return read

    def _line(self, line: Line, line_map: LineMap) -> RunLine:
        if line.kind not in {"copy", "set"}:
            return _fate_line(line)
        setter = self._setter(line)
        decide = compile_condition(line.when) if line.when else None
        if line.kind == "set":
            return _set_line(line, setter, decide)
        label = _label(line)
        selects = [_select(source) for source in line.sources]
        if line.function:
            return self._function_line(line, setter, decide, selects, label)
        if line.join is not None:
            return _join_line(line, decide, selects, label)
        convert = self._convert(line, line_map)
        return _copy_line(line, setter, decide, convert)

    def _setter(self, line: Line) -> Setter:
        try:
            return compile_target(line.target, self._extensions)
        except TargetError as fault:
            raise line.section.fault(str(fault), "to") from None

    def _function_line(
        self, line: Line, setter: Setter, decide: Decide | None, selects: list[Select], label: str
    ) -> RunLine:
        compute = self._function(line.section, line.function)
        depths = [source.component for source in line.sources]

        def run(context: Context, view: View | None, target: dict[str, Any], element: str) -> None:
            if decide is not None and not decide(context, view):
                return
            views = [
                found.inner(component) if component else found
                for select, component in zip(selects, depths, strict=True)
                for found in select(context, view)
            ]
            mark = len(context.ledger)
            value = compute(context, views, element + label)
            if value is not None:
                _put(context, mark, setter, target, value)

        return run

    @staticmethod
    def _function(section: Section, name: str) -> Compute:
        found = functions().get(name)
        if found is None:
            raise section.fault(f"one of {', '.join(sorted(functions()))}", "using")
        return found

    def _convert(self, line: Line, line_map: LineMap) -> Convert:
        code_map = self._code_map(line)
        if line.type == "text":
            return whole_text
        if line.type in CODED_FORMS and code_map is not None:
            return coded(code_map, line.type)
        if line.type in PRIMITIVES:
            return primitive(PRIMITIVES[line.type])
        inner = self._line_maps.get(line.type)
        if inner is None or inner is line_map:
            raise line.section.fault(
                "a primitive type or a data type's map such as CX.Identifier", "as"
            )
        convert = datatype(self.compile(line.type).fill, inner.needs)
        return concept(convert, code_map) if code_map is not None else convert

    def _code_map(self, line: Line) -> CodeMap | None:
        if not line.code_map:
            return None
        found = self._known_code_map(line.section, line.code_map)
        if not line.unmapped:
            return found
        policy = next((one for one in POLICIES if one == line.unmapped), None)
        if policy is None:
            raise line.section.fault(f"one of {', '.join(POLICIES)}", "unmapped")
        return replace(found, unmapped=policy)

    def _known_code_map(self, section: Section, name: str) -> CodeMap:
        found = self._codes.maps.get(name)
        if found is None:
            raise section.fault(f"a code map of codes/, found `{name}`", "code")
        return found


def _own_field(line: Line, line_map: LineMap) -> int:
    """The field or component of the map's own without which a line does nothing; 0 where there is none."""
    if line.kind == "set" or len(line.sources) != 1:
        return 0
    source = line.sources[0]
    if isinstance(source, ComponentPlace):
        return source.component
    return source.field if source.segment == line_map.of and not line.function else 0


def _select(place: Place) -> Select:
    if isinstance(place, FieldPlace):
        segment, number = place.segment, place.field
        return lambda context, _view: context.views(segment, number)
    return lambda _context, view: [view] if view is not None else []


def _label(line: Line) -> str:
    return "." + line.target.replace("+", "")


def _depth(place: Place) -> tuple[int, int]:
    return place.component, place.subcomponent


def _fate_line(line: Line) -> RunLine:
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


def _set_line(line: Line, setter: Setter, decide: Decide | None) -> RunLine:
    value: Any = (
        {"true": True, "false": False}[line.value] if line.type == "boolean" else line.value
    )

    def run(context: Context, view: View | None, target: dict[str, Any], _element: str) -> None:
        if decide is None or decide(context, view):
            setter(target, value)

    return run


def _copy_line(line: Line, setter: Setter, decide: Decide | None, convert: Convert) -> RunLine:
    selects = [_select(source) for source in line.sources]
    depths = [_depth(source) for source in line.sources]
    label = _label(line)
    if isinstance(line.sources[0], ComponentPlace) and len(line.sources) == 1:
        return _component_line(setter, decide, convert, depths[0], label)
    many = "+" in line.target
    clears = line.target.partition(".")[0].rstrip("+")
    in_datatype = isinstance(line.sources[0], ComponentPlace)

    def run(context: Context, view: View | None, target: dict[str, Any], element: str) -> None:
        if decide is not None and not decide(context, view):
            return
        for select, (component, subcomponent) in zip(selects, depths, strict=True):
            done = False
            for found in select(context, view):
                if not in_datatype and found.is_null:
                    context.mapped(found.whole(), f"{element}{label} (cleared)")
                    context.cleared.add(f"{element}.{clears}")
                    return
                mark = len(context.ledger)
                value = convert(context, found, component, subcomponent, element + label)
                if value is not None:
                    _put(context, mark, setter, target, value)
                    done = True
                    if not many:
                        return
            if done:
                return

    return run


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


def _join_line(line: Line, decide: Decide | None, selects: list[Select], label: str) -> RunLine:
    """Repetitions, and segments that continue each other, put together into one text."""
    between = {"newline": "\n", "space": " "}.get(line.join or "", line.join or "")
    name = line.target

    def run(context: Context, view: View | None, target: dict[str, Any], element: str) -> None:
        if decide is not None and not decide(context, view):
            return
        texts = [target[name]] if name in target else []
        for select in selects:
            for found in select(context, view):
                text = found.text()
                if text is not None and text != NULL:
                    texts.append(text)
                    context.mapped(found.whole(), element + label)
        joined = between.join(texts)
        if joined.strip():
            target[name] = joined

    return run
