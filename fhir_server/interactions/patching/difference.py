"""The difference of two resources of one type, as the operations of a FHIRPath Patch.

Applied to the first, they give the second. What is added comes before what is deleted, since an element
that loses all its members is gone.

Source: FHIR R4 https://hl7.org/fhir/R4/fhirpatch.html
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

from fhir_server.definitions import TypeModel
from fhir_server.definitions.types import ElementInfo
from fhir_server.interactions.patching.places import Pair, pairs_of
from fhir_server.model.json_source import encode_json

Part = dict[str, Any]
Operation = list[Part]

MOST_ALIGNED = 500
"""Longer lists are compared index by index: to align them would take the square of their length."""

_OF_SERVER = ("versionId", "lastUpdated")


def difference(types: TypeModel, before: dict[str, Any], after: dict[str, Any]) -> Part:
    """Parameters with one `operation` for each step. Without id, version and time, which are the server's."""
    resource_type = str(before["resourceType"])
    stages = _Difference(types).of(resource_type, resource_type, _own(before), _own(after))
    return {
        "resourceType": "Parameters",
        "parameter": [{"name": "operation", "part": parts} for parts in stages],
    }


def _own(resource: dict[str, Any]) -> dict[str, Any]:
    own = {name: value for name, value in resource.items() if name not in {"resourceType", "id"}}
    meta = {n: v for n, v in (resource.get("meta") or {}).items() if n not in _OF_SERVER}
    own.pop("meta", None)
    return {**own, "meta": meta} if meta else own


@dataclass(frozen=True, slots=True)
class _Member:
    """An element of one side: its JSON key and its values."""

    key: str
    pairs: list[Pair]


class _Difference:
    def __init__(self, types: TypeModel) -> None:
        self._types = types
        open_type = types.element("Parameters.parameter", "value")
        self._spelled = frozenset(open_type.types if open_type else ())

    def of(
        self, kind: str, path: str, before: dict[str, Any], after: dict[str, Any]
    ) -> Iterator[Operation]:
        """The operations that make one object of a type the other."""
        old, new = self._members(kind, before), self._members(kind, after)
        for name, member in new.items():
            if name not in old:
                for pair in member.pairs:
                    value = self._value("value", self._kind(kind, member.key), pair)
                    yield [*_head("add", path), {"name": "name", "valueString": name}, value]
        for name, member in new.items():
            if name in old and (member.key, member.pairs) != (old[name].key, old[name].pairs):
                element = self._element(kind, member.key)
                if element is not None and element.is_list:
                    yield from self._of_list(kind, f"{path}.{name}", old[name], member)
                else:
                    yield from self._of_one(kind, f"{path}.{name}", old[name], member)
        for name, member in old.items():
            if name not in new:
                element = self._element(kind, member.key)
                is_list = element is not None and element.is_list
                yield from _deletions(f"{path}.{name}", range(len(member.pairs)), is_list=is_list)

    def _of_one(self, kind: str, path: str, old: _Member, new: _Member) -> Iterator[Operation]:
        own = self._kind(kind, new.key)
        first, second = old.pairs[0], new.pairs[0]
        if old.key == new.key and self._is_open(own, first, second):
            yield from self.of(own, path, first[0], second[0])
        else:
            yield [*_head("replace", path), self._value("value", own, second)]

    def _of_list(self, kind: str, path: str, old: _Member, new: _Member) -> Iterator[Operation]:
        """The operations on a list, from its end: what stands before keeps its index."""
        own = self._kind(kind, new.key)
        for start, end, new_start, new_end in _changed_runs(old.pairs, new.pairs):
            common = min(end - start, new_end - new_start)
            for at in range(common):
                first, second = old.pairs[start + at], new.pairs[new_start + at]
                if first != second:
                    one, other = _Member(new.key, [first]), _Member(new.key, [second])
                    yield from self._of_one(kind, f"{path}[{start + at}]", one, other)
            for at in range(common, new_end - new_start):
                value = self._value("value", own, new.pairs[new_start + at])
                index = {"name": "index", "valueInteger": start + at}
                yield [*_head("insert", path), index, value]
            yield from _deletions(path, range(start + common, end), is_list=True)

    def _is_open(self, kind: str, first: Pair, second: Pair) -> bool:
        """Whether both are objects whose members can be compared; a contained resource is not."""
        is_object = isinstance(first[0], dict) and isinstance(second[0], dict)
        return is_object and not self._types.is_resource(kind)

    def _members(self, kind: str, node: dict[str, Any]) -> dict[str, _Member]:
        """The elements of an object by their names in a path."""
        found: dict[str, _Member] = {}
        for key in dict.fromkeys(name.removeprefix("_") for name in node):
            element = self._element(kind, key)
            found[element.name if element else key] = _Member(key, pairs_of(node, key))
        return found

    def _element(self, kind: str, key: str) -> ElementInfo | None:
        return self._types.element(kind, key)

    def _kind(self, kind: str, key: str) -> str:
        element = self._element(kind, key)
        return "" if element is None else element.json_names.get(key, element.types[0])

    def _value(self, name: str, kind: str, pair: Pair) -> Part:
        """A part that holds a value; of a type that Parameters cannot hold, one part for each member."""
        value, sibling = pair
        if isinstance(value, dict) and "resourceType" in value:
            return {"name": name, "resource": value}
        if isinstance(value, dict) and kind not in self._spelled:
            members = self._members(kind, value).items()
            parts = [
                self._value(part, self._kind(kind, member.key), one)
                for part, member in members
                for one in member.pairs
            ]
            return {"name": name, "part": parts}
        suffix = kind[:1].upper() + kind[1:] if kind in self._spelled else "String"
        part: Part = {"name": name}
        if value is not None:
            part[f"value{suffix}"] = value
        if sibling is not None:
            part[f"_value{suffix}"] = sibling
        return part


def _changed_runs(old: list[Pair], new: list[Pair]) -> list[tuple[int, int, int, int]]:
    """Where two lists differ, from the end: start and end in the old one, then in the new one."""
    if max(len(old), len(new)) > MOST_ALIGNED:
        return [(0, len(old), 0, len(new))]
    before, after = ([encode_json(pair) for pair in pairs] for pairs in (old, new))
    codes = SequenceMatcher(None, before, after, autojunk=False).get_opcodes()
    return [(a, b, c, d) for tag, a, b, c, d in reversed(codes) if tag != "equal"]


def _head(kind: str, path: str) -> Operation:
    return [{"name": "type", "valueCode": kind}, {"name": "path", "valueString": path}]


def _deletions(path: str, indexes: Sequence[int], *, is_list: bool) -> Iterator[Operation]:
    for at in reversed(indexes):
        yield _head("delete", f"{path}[{at}]" if is_list else path)
