"""FHIRPath Patch: a Parameters resource with operations on the elements that FHIRPaths name.

Source: FHIR R4 https://hl7.org/fhir/R4/fhirpatch.html
"""

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from fhir_server.definitions import TypeModel
from fhir_server.fhirpath import FHIRPath, FHIRPathError
from fhir_server.interactions.patching.bounds import check_length
from fhir_server.interactions.patching.places import Pair, Place, Places, pairs_of, put_pairs
from fhir_server.model.issues import Refused, error, refuse

_NEEDED: Mapping[str, tuple[str, ...]] = {
    "add": ("path", "name", "value"),
    "insert": ("path", "index", "value"),
    "delete": ("path",),
    "replace": ("path", "value"),
    "move": ("path", "source", "destination"),
}


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation: `parts` by name, `at` its FHIRPath in the Parameters."""

    at: str
    type: str
    parts: Mapping[str, dict[str, Any]]

    def text(self, name: str) -> str:
        """A part that is text."""
        found = next((v for k, v in self.parts[name].items() if k.startswith("value")), None)
        if not isinstance(found, str):
            raise refuse(400, "patch-part-missing", "required", self.at, part=name)
        return found

    def number(self, name: str) -> int:
        """A part that is an index."""
        found = self.parts[name].get("valueInteger")
        if not isinstance(found, int) or found < 0:
            raise refuse(400, "patch-part-missing", "required", self.at, part=name)
        return found

    def refusal(self, issue_id: str) -> Refused:
        """The refusal of an operation whose path does not lead where it should."""
        return refuse(422, issue_id, "processing", self.at, path=self.text("path")[:200])


def parse_fhirpath_patch(parameters: Any, at: str = "Parameters") -> list[Operation]:
    """The operations. Errors: Refused 400 for what is no Parameters, and where one is none, naming it."""
    if not isinstance(parameters, dict) or parameters.get("resourceType") != "Parameters":
        raise refuse(400, "operation-no-parameters", "structure", at)
    listed = parameters.get("parameter", [])
    if not isinstance(listed, list):
        raise refuse(400, "patch-no-list", "structure", at)
    check_length(listed, at)
    return [
        _operation(parameter, f"{at}.parameter[{number}]")
        for number, parameter in enumerate(listed)
    ]


def _operation(parameter: Any, at: str) -> Operation:
    if not isinstance(parameter, dict) or parameter.get("name") != "operation":
        raise refuse(400, "patch-operation-unknown", "value", at, allowed="operation")
    listed = parameter.get("part")
    parts = {
        str(part.get("name")): part
        for part in (listed if isinstance(listed, list) else ())
        if isinstance(part, dict)
    }
    kind = parts.get("type", {}).get("valueCode") or parts.get("type", {}).get("valueString")
    if not isinstance(kind, str) or kind not in _NEEDED:
        raise refuse(400, "patch-operation-unknown", "value", at, allowed=", ".join(_NEEDED))
    for name in _NEEDED[kind]:
        if name not in parts:
            raise refuse(400, "patch-part-missing", "required", at, part=name)
    return Operation(at, kind, parts)


class FHIRPathPatch:
    """Applies operations with the types and the engine of one server."""

    def __init__(self, types: TypeModel, engine: FHIRPath) -> None:
        self._types = types
        self._engine = engine

    def apply(self, resource: dict[str, Any], operations: list[Operation]) -> dict[str, Any]:
        """The patched copy of a resource.

        Errors: Refused 400 for a path that is none, 422 for one that does not lead to what the
        operation needs.
        """
        patched = copy.deepcopy(resource)
        carry_out: Mapping[str, Callable[[Operation, Places], None]] = {
            "add": self._add, "insert": self._insert, "delete": self._delete,
            "replace": self._replace, "move": self._move,
        }  # fmt: skip
        for operation in operations:
            try:
                places = Places(patched, self._types, self._engine)
                carry_out[operation.type](operation, places)
            except FHIRPathError as fault:
                issue = error("patch-path-invalid", "value", operation.at,
                              path=operation.text("path")[:200])  # fmt: skip
                raise Refused(400, [issue, fault.issue]) from None
            if operation.type == "delete":
                patched = _without_empty(patched) or {}
        return _without_empty(patched) or {}

    def _add(self, operation: Operation, places: Places) -> None:
        place = _one(operation, places)
        name = operation.text("name")
        owner = _open(place)
        key, kind, is_list = self._target(operation, place, name)
        others = self._types.element(place.type, name)
        taken = [one for one in (others.json_names if others else ()) if pairs_of(owner, one)]
        if taken and not is_list:
            raise operation.refusal("patch-exists")
        put_pairs(
            owner, key, [*pairs_of(owner, key), self._value(operation, kind)], is_list=is_list
        )

    def _insert(self, operation: Operation, places: Places) -> None:
        place, key, kind = self._list(operation, places)
        pairs = pairs_of(place.members, key)
        index = operation.number("index")
        if index > len(pairs):
            raise operation.refusal("patch-index")
        pairs.insert(index, self._value(operation, kind))
        put_pairs(_open(place), key, pairs, is_list=True)

    def _delete(self, operation: Operation, places: Places) -> None:
        found = places.find(operation.text("path"))
        if not found:
            return
        place = _one(operation, places)
        if place.owner is None:
            raise operation.refusal("patch-path-none")
        pairs = pairs_of(place.owner, place.key)
        del pairs[place.at or 0]
        put_pairs(place.owner, place.key, pairs, is_list=place.at is not None)

    def _replace(self, operation: Operation, places: Places) -> None:
        place = _one(operation, places)
        if place.owner is None:
            raise operation.refusal("patch-path-none")
        key = _retyped(place, operation.parts["value"])
        pairs = pairs_of(place.owner, place.key)
        pairs[place.at or 0] = self._value(operation, place.type)
        if key != place.key:
            put_pairs(place.owner, place.key, [], is_list=False)
        put_pairs(place.owner, key, pairs, is_list=place.at is not None)

    def _move(self, operation: Operation, places: Places) -> None:
        place, key, _ = self._list(operation, places)
        pairs = pairs_of(place.members, key)
        source, destination = operation.number("source"), operation.number("destination")
        if max(source, destination) >= len(pairs):
            raise operation.refusal("patch-index")
        pairs.insert(destination, pairs.pop(source))
        put_pairs(_open(place), key, pairs, is_list=True)

    def _list(self, operation: Operation, places: Places) -> tuple[Place, str, str]:
        found = places.find_list(operation.text("path"))
        if len(found) != 1:
            raise operation.refusal("patch-path-several" if found else "patch-path-none")
        place, name = found[0]
        element = self._types.element(place.type, name)
        if element is None or not element.is_list:
            raise operation.refusal("patch-no-list-element")
        return place, name, element.types[0]

    def _target(self, operation: Operation, place: Place, name: str) -> tuple[str, str, bool]:
        element = self._types.element(place.type, name)
        if element is None:
            raise operation.refusal("patch-element-unknown")
        if name in element.json_names:
            return name, element.json_names[name], element.is_list
        given = next((k for k in operation.parts["value"] if k.startswith("value")), "value")
        key = name + given.removeprefix("value")
        if key not in element.json_names:
            raise operation.refusal("patch-element-unknown")
        return key, element.json_names[key], element.is_list

    def _value(self, operation: Operation, kind: str) -> Pair:
        return self._content(operation, operation.parts["value"], kind)

    def _content(self, operation: Operation, part: Mapping[str, Any], kind: str) -> Pair:
        for name, value in part.items():
            if name.startswith("value"):
                return value, part.get("_" + name)
            if name.startswith("_value") and name[1:] not in part:
                return None, value
        if isinstance(part.get("resource"), dict):
            return part["resource"], None
        inner = part.get("part")
        if not isinstance(inner, list):
            raise refuse(400, "patch-part-missing", "required", operation.at, part="value")
        # An element without a type of its own is spelled out, part by part.
        built: dict[str, Any] = {}
        for member in inner:
            name = str(member.get("name")) if isinstance(member, dict) else ""
            element = self._types.element(kind, name)
            if element is None:
                raise operation.refusal("patch-element-unknown")
            key = name
            if name not in element.json_names:
                given = next((k for k in member if k.startswith("value")), "value")
                key = name + given.removeprefix("value")
            content = self._content(
                operation, member, element.json_names.get(key, element.types[0])
            )
            put_pairs(built, key, [*pairs_of(built, key), content], is_list=element.is_list)
        return built, None


def _one(operation: Operation, places: Places) -> Place:
    found = places.find(operation.text("path"))
    if len(found) != 1:
        raise operation.refusal("patch-path-several" if found else "patch-path-none")
    return found[0]


def _open(place: Place) -> dict[str, Any]:
    """The object that holds a place's elements, made beside a primitive that has none yet."""
    if isinstance(place.value, dict) or place.sibling is not None or place.owner is None:
        return place.members
    made: dict[str, Any] = {}
    pairs = pairs_of(place.owner, place.key)
    pairs[place.at or 0] = (place.value, made)
    put_pairs(place.owner, place.key, pairs, is_list=place.at is not None)
    return made


def _retyped(place: Place, value: Mapping[str, Any]) -> str:
    """The JSON key of an element whose new value may be of another type."""
    given = next((name for name in value if name.startswith("value")), None)
    if given is None or not place.choice:
        return place.key
    return place.choice + given.removeprefix("value")


def _without_empty(node: Any) -> Any:
    """The node without objects and arrays that an operation has emptied; FHIR has none of them."""
    if isinstance(node, dict):
        kept = {name: _without_empty(member) for name, member in node.items()}
        return {name: member for name, member in kept.items() if member is not None} or None
    if isinstance(node, list):
        members = [_without_empty(member) for member in node]
        if all(isinstance(member, dict | list) for member in node):
            members = [member for member in members if member is not None]
        return members if any(member is not None for member in members) else None
    return node
