"""The JSON shape of a StructureDefinition, looked at before a snapshot or a plan is made of it: profiles may
be loaded that nobody has validated, and whoever reads one trusts it to be what its type says.

Source: FHIR R4 StructureDefinition, https://hl7.org/fhir/R4/structuredefinition-definitions.html, and
ElementDefinition, https://hl7.org/fhir/R4/elementdefinition-definitions.html
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from fhir_server.definitions import TypeModel
from fhir_server.model.issues import Reason, because
from fhir_server.model.primitives import PRIMITIVES

_MAX = re.compile(r"\*|[0-9]{1,9}")
_PATH = re.compile(r"[^\s.]+(?:\.[^\s.]+)*")

_REQUIRED: Mapping[str, tuple[str, ...]] = {
    "StructureDefinition": ("type", "kind"),
    "StructureDefinition.snapshot": ("element",),
    "StructureDefinition.differential": ("element",),
    "ElementDefinition": ("path",),
    "ElementDefinition.type": ("code",),
    "ElementDefinition.slicing.discriminator": ("type", "path"),
}
"""What cannot be done without, by type. What else a type requires, validation of the definition says."""

_FORMS: Mapping[tuple[str, str], Callable[[Any], bool]] = {
    ("ElementDefinition", "path"): lambda value: _PATH.fullmatch(value) is not None,
    ("ElementDefinition", "max"): lambda value: _MAX.fullmatch(value) is not None,
    ("ElementDefinition", "min"): lambda value: value >= 0,
    ("ElementDefinition", "maxLength"): lambda value: value >= 0,
    ("ElementDefinition.type", "code"): lambda value: value.strip() != "",
    ("StructureDefinition", "type"): lambda value: value.strip() != "",
}
"""Values of the right JSON type that nothing can be made of."""


@dataclass(frozen=True, slots=True)
class ShapeFault:
    """A member that is not what its type says: its place within the definition, and what it must be."""

    place: str
    reason: Reason


def shape_fault(structure: Mapping[str, Any], types: TypeModel) -> ShapeFault | None:
    """The first fault of a StructureDefinition. Cost: linear in its size."""
    found = next(_faults(structure, "StructureDefinition", "StructureDefinition", types), None)
    if found is not None:
        return found
    if structure.get("derivation") == "constraint" and "baseDefinition" not in structure:
        return _fault("StructureDefinition.baseDefinition", "missing")
    return None


def _faults(
    value: Mapping[str, Any], type_name: str, place: str, types: TypeModel
) -> Iterator[ShapeFault]:
    info = types.type(type_name)
    if info is None:
        return
    for name in _REQUIRED.get(type_name, ()):
        if name not in value:
            yield _fault(f"{place}.{name}", "missing")
    for key, member in value.items():
        element = info.by_json_name.get(key.removeprefix("_"))
        if element is None:
            continue
        kind = "Element" if key.startswith("_") else element.json_names[key]
        inner = f"{place}.{key}"
        if element.is_list:
            has_siblings = key.startswith("_") or f"_{key}" in value
            yield from _faults_of_list(member, kind, inner, types, may_be_null=has_siblings)
        else:
            yield from _faults_of_value(member, kind, inner, types)
        holds = _FORMS.get((type_name, key))
        if holds is not None and _is_of(member, kind) and not holds(member):
            yield _fault(inner, "value")


def _faults_of_list(
    values: Any, kind: str, place: str, types: TypeModel, *, may_be_null: bool
) -> Iterator[ShapeFault]:
    # An empty array says nothing; a snapshot of no elements has no root.
    if not isinstance(values, list) or (not values and place.endswith(".snapshot.element")):
        yield _fault(place, "array")
        return
    for at, item in enumerate(values):
        # A primitive may be null where it has extensions beside it (§2.6.2.3).
        if item is not None or not may_be_null:
            yield from _faults_of_value(item, kind, _at(place, at, item), types)


def _faults_of_value(value: Any, kind: str, place: str, types: TypeModel) -> Iterator[ShapeFault]:
    primitive = PRIMITIVES.get(kind)
    if primitive is not None:
        if type(value) not in primitive.python_types:
            yield _fault(place, primitive.json_type)
    elif not isinstance(value, dict):
        yield _fault(place, "object")
    elif not types.is_resource(kind):
        yield from _faults(value, kind, place, types)


def _is_of(value: Any, kind: str) -> bool:
    return kind in PRIMITIVES and type(value) in PRIMITIVES[kind].python_types


def _at(place: str, index: int, item: Any) -> str:
    """The place of an item, of an element of a profile with its id."""
    identity = item.get("id") or item.get("path") if isinstance(item, dict) else None
    is_named = isinstance(identity, str) and place.endswith(
        ("snapshot.element", "differential.element")
    )
    return f"{place}[{index}] ({str(identity)[:80]})" if is_named else f"{place}[{index}]"


def _fault(place: str, kind: str) -> ShapeFault:
    return ShapeFault(place, because(f"because-shape-{kind}", place=place))
