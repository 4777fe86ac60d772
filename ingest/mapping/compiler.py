"""Maps compiled to closures, once, when they are loaded.

Every line becomes one closure over values read from YAML; nothing of a map or message is ever
formatted into source text.
"""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from ingest.mapping.codes import POLICIES, CodeMap, CodeMaps
from ingest.mapping.compiled_map import CompiledLine, CompiledMap
from ingest.mapping.context import ReadName
from ingest.mapping.conversions import (
    Convert,
    coded,
    concept,
    datatype,
    primitive,
    whole_text,
)
from ingest.mapping.decide import compile_condition
from ingest.mapping.functions import Compute, functions
from ingest.mapping.language import Line, LineMap, Name
from ingest.mapping.names import coded_name, computed_name
from ingest.mapping.places import ComponentPlace
from ingest.mapping.primitives import PRIMITIVES
from ingest.mapping.remembered import reads_only_its_value, remembered
from ingest.mapping.runs import RunLine, copy_line, fate_line, function_line, join_line, set_line
from ingest.mapping.targets import Setter, TargetError, cleared_element, compile_target
from ingest.mapping.yaml_source import Section

CODED_FORMS = ("code", "Coding", "CodeableConcept")


class Compiler:
    """Compiles maps that may refer to each other."""

    def __init__(
        self, line_maps: Mapping[str, LineMap], codes: CodeMaps, extensions: Mapping[str, str]
    ) -> None:
        self._line_maps = line_maps
        self._codes = codes
        self._extensions = extensions
        self._compiled: dict[str, CompiledMap] = {}
        self._names: dict[tuple[tuple[Any, ...], ...], Mapping[str, ReadName]] = {}
        self._datatypes: dict[str, Convert] = {}

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
            found = self._compiled[name] = CompiledMap(
                line_map,
                kept,
                partial(self._line, line_map),
                self.names(line_map.names),
                self._entry(line_map),
            )
        return found

    def _entry(self, line_map: LineMap) -> Setter | None:
        if not line_map.into:
            return None
        try:
            return compile_target(line_map.into, self._extensions)
        except TargetError as fault:
            raise line_map.section.fault(str(fault), "into") from None

    def names(self, names: Mapping[str, Name]) -> Mapping[str, ReadName]:
        """The readers of a `let:` section; one object for all sections that say the same."""
        key = tuple((key, name.place, name.code_map, name.function) for key, name in names.items())
        if key not in self._names:
            self._names[key] = {key: self._name(name) for key, name in names.items()}
        return self._names[key]

    def _name(self, name: Name) -> ReadName:
        if name.function:
            return computed_name(name.place, self._function(name.section, name.function))
        return coded_name(name.place, self._known_code_map(name.section, name.code_map))

    def _line(self, line_map: LineMap, line: Line) -> CompiledLine:
        return line, _own_field(line, line_map), self._run(line, line_map)

    def _run(self, line: Line, line_map: LineMap) -> RunLine:
        if line.kind not in {"copy", "set"}:
            return fate_line(line)
        setter = self._setter(line)
        decide = compile_condition(line.when) if line.when else None
        if line.kind == "set":
            return set_line(line, setter, decide)
        if line.function:
            compute = self._function(line.section, line.function)
            return function_line(line, setter, decide, compute)
        if line.join is not None:
            return join_line(line, decide)
        clears = cleared_element(line.target, self._extensions)
        return copy_line(line, setter, decide, self._convert(line, line_map), clears)

    def _setter(self, line: Line) -> Setter:
        try:
            return compile_target(line.target, self._extensions)
        except TargetError as fault:
            raise line.section.fault(str(fault), "to") from None

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
        convert = self._datatype(inner)
        return concept(convert, code_map) if code_map is not None else convert

    def _datatype(self, line_map: LineMap) -> Convert:
        found = self._datatypes.get(line_map.name)
        if found is None:
            found = datatype(self.compile(line_map.name).fill, line_map.needs)
            if line_map.remember:
                self._check_remembered(line_map)
                found = remembered(found)
            self._datatypes[line_map.name] = found
        return found

    def _check_remembered(self, line_map: LineMap) -> None:
        inner = [self._line_maps.get(line.type) for line in line_map.lines]
        if not all(map(reads_only_its_value, filter(None, [line_map, *inner]))):
            raise line_map.section.fault("lines that read the value alone", "remember")

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
