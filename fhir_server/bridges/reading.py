"""What the expressions of a bridge read of each profile: so that what they leave unread can be counted.

Shape: names of elements, `extension(name)` and `component(code)`, by profile.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping

from fhir_server.bridges.definition import Bridge
from fhir_server.bridges.records import Resource
from fhir_server.fhirpath.parser import parse
from fhir_server.fhirpath.syntax import (
    Call,
    Chain,
    Constant,
    External,
    Index,
    LoopVariable,
    Member,
    Node,
    TypeOperation,
    children,
    walk,
)

Profiles = frozenset[str]
Read = Mapping[str, set[str]]

_NOWHERE: Profiles = frozenset()
_OWN = frozenset({"resource", "context"})
_KEEPING = frozenset(
    {"where", "first", "last", "tail", "take", "skip", "single", "distinct", "ofType"}
)
"""Functions that give some of the resources they are called on."""
_NOT_COUNTED = frozenset(
    {
        "resourceType",
        "id",
        "meta",
        "text",
        "contained",
        "language",
        "extension",
        "component",
        "identifier",
    }
)
"""Never read by a column or told in another way; extensions and components are counted one by one."""
_ABOUT = frozenset({"subject", "patient", "for"})
_TUMOUR = "extension(tumour)"
"""By these a record is found: what a column takes of it stands in the row of its patient or tumour."""


def read_by(bridge: Bridge) -> Read:
    """What the tables of a bridge read."""
    reading = _Reading()
    for table in bridge.tables:
        own = frozenset(table.each)
        for text in (table.when, *(text for column in table.columns for text in column.texts)):
            if text:
                reading.expression(parse(text), own)
    return reading.found


def unread(profile: str, resource: Resource, read: Read) -> Iterator[str]:
    """The elements, extensions and components of a resource that no expression reads."""
    names = read.get(profile, set())
    for key in resource:
        about = key in _ABOUT or (key == "code" and resource["resourceType"] == "Observation")
        if key in _NOT_COUNTED or key.startswith("_") or about:
            continue
        if not any(_is(key, name) for name in names):
            yield key
    for extension in resource.get("extension", ()):
        name = f"extension({str(extension['url']).rpartition('/')[2]})"
        if name not in names and name != _TUMOUR:
            yield name
    for part in resource.get("component", ()):
        codes = [f"component({each.get('code')})" for each in part["code"].get("coding", ())]
        if not names.intersection(codes):
            yield next(iter(codes), "component")


def _is(key: str, name: str) -> bool:
    """Whether a JSON key holds an element: `effectiveDateTime` holds `effective`."""
    return key == name or (key.startswith(name) and key[len(name)].isupper())


class _Reading:
    """Follows expressions for as long as they stand on a whole resource."""

    def __init__(self) -> None:
        self.found: dict[str, set[str]] = defaultdict(set)

    def expression(self, node: Node, own: Profiles) -> None:
        """Note what an expression on resources of some profiles reads, of these and of its variables."""
        self._visit(node, own, own)
        named = {each.name for each in walk(node) if isinstance(each, External)} - _OWN
        for call in walk(node):
            if isinstance(call, Call) and call.name == "extension":
                for url in _texts(call):
                    for profile in own | named:
                        self.found[profile].add(f"extension({url.rpartition('/')[2]})")

    def _visit(self, node: Node | None, focus: Profiles, own: Profiles) -> Profiles:
        """The profiles that a part gives whole resources of."""
        match node:
            case None | LoopVariable(name="$this"):
                return focus
            case External(name=name):
                return own if name in _OWN else frozenset({name})
            case Member(target=target, name=name):
                for profile in self._visit(target, focus, own):
                    self.found[profile].add(name)
                return _NOWHERE
            case Call():
                return self._call(node, focus, own)
            case Chain(operator="|", operands=operands):
                return frozenset().union(*(self._visit(each, focus, own) for each in operands))
            case Index(target=target):
                return self._visit(target, focus, own)
            case TypeOperation(operand=operand):
                return self._visit(operand, focus, own)
            case _:
                for part in children(node):
                    self._visit(part, focus, own)
                return _NOWHERE

    def _call(self, call: Call, focus: Profiles, own: Profiles) -> Profiles:
        if isinstance(call.target, Member) and call.target.name == "component":
            for profile in self._visit(call.target.target, focus, own):
                self.found[profile].update(f"component({code})" for code in _texts(call))
        target = self._visit(call.target, focus, own)
        given = [self._visit(each, target, own) for each in call.arguments]
        if call.name in {"iif", "select", "combine", "union"}:
            whole = frozenset().union(*given)
            return whole | target if call.name in {"combine", "union"} else whole
        return target if call.name in _KEEPING else _NOWHERE


def _texts(call: Call) -> Iterator[str]:
    for argument in call.arguments:
        for part in walk(argument):
            if isinstance(part, Constant) and part.kind == "string":
                yield str(part.value)
