"""Type names and elements as FHIRPath sees them: the R4 type model beside the System types.

Source: FHIRPath N1 §6.3 (types), FHIR R4 §2.9.2 https://hl7.org/fhir/R4/fhirpath.html#types
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from fhir_server.definitions.types import TypeModel
from fhir_server.fhirpath.values import Items, TypedValue

SYSTEM_TYPES = frozenset(
    "System." + name
    for name in (
        "Any",
        "Boolean",
        "String",
        "Integer",
        "Decimal",
        "Date",
        "DateTime",
        "Time",
        "Quantity",
    )
)
REFLECTION = "System.ClassInfo"
"""The type of what `type()` gives."""

_ABSTRACT_RESOURCES = frozenset({"Resource", "DomainResource"})


class Child(msgspec.Struct, frozen=True):
    """One JSON key under which an element may stand: `sibling_key` holds a primitive's extensions."""

    key: str
    type: str
    is_primitive: bool
    is_resource: bool
    sibling_key: str


class TypeSpace:
    """Look-ups in the type model, each answered once. Shared between threads: entries never change."""

    def __init__(self, model: TypeModel) -> None:
        self.model = model
        self._children: dict[tuple[str, str], tuple[Child, ...]] = {}
        self._by_key: dict[str, Mapping[str, Child]] = {}

    def children(self, type_name: str, name: str) -> tuple[Child, ...]:
        """The JSON keys of an element; empty where the type has no such element."""
        found = self._children.get((type_name, name))
        if found is None:
            found = self._children[type_name, name] = self._children_of(type_name, name)
        return found

    def children_by_key(self, type_name: str) -> Mapping[str, Child]:
        """What may stand under each JSON key of a type, those beside primitives included."""
        found = self._by_key.get(type_name)
        if found is None:
            info = self.model.type(type_name)
            names = list(info.elements) if info else []
            children = [child for name in names for child in self.children(type_name, name)]
            found = {child.sibling_key: child for child in children if child.is_primitive}
            found |= {child.key: child for child in children}
            self._by_key[type_name] = found
        return found

    def element_names(self, type_name: str) -> tuple[str, ...]:
        """The names an expression may use on a type."""
        info = self.model.type(type_name)
        return tuple(info.elements) if info else ()

    def is_primitive(self, type_name: str) -> bool:
        """Whether the type is a FHIR primitive."""
        return self.model.is_primitive(type_name)

    def is_abstract(self, type_name: str) -> bool:
        """Whether data of this declared type has a more specific type of its own."""
        return type_name in _ABSTRACT_RESOURCES

    def is_subtype(self, type_name: str, of: str) -> bool:
        """Whether a type is another or derives from it, System types included."""
        if type_name.startswith("System."):
            return type_name == of or (of == "System.Any" and type_name in SYSTEM_TYPES)
        return self.model.is_subtype(type_name, of)

    def resolve_name(self, name: str) -> str | None:
        """The type a specifier names, FHIR before System; None where there is none.

        Source: FHIRPath N1 §6.3 and FHIR R4 §2.9.2: `Patient`, `FHIR.Patient`, `System.String`.
        """
        if name.startswith("System."):
            return name if name in SYSTEM_TYPES else None
        bare = name.removeprefix("FHIR.")
        if self.model.type(bare) is not None:
            return bare
        return "System." + name if "System." + name in SYSTEM_TYPES else None

    def _children_of(self, type_name: str, name: str) -> tuple[Child, ...]:
        if type_name == REFLECTION:
            return (
                (self._child(name, "string"),) if name in {"namespace", "name", "baseType"} else ()
            )
        info = self.model.type(type_name)
        element = info.elements.get(name) if info else None
        if info is None or element is None:
            return ()
        if info.kind == "primitive-type" and name == "value":
            return ()
        if info.kind == "resource" and name == "id":
            # The snapshots of R4 give Resource.id as a string; the specification says id.
            return (self._child("id", "id"),)
        return tuple(self._child(key, kind) for key, kind in element.json_names.items())

    def _child(self, key: str, type_name: str) -> Child:
        return Child(
            key=key,
            type=type_name,
            is_primitive=self.model.is_primitive(type_name),
            is_resource=type_name in _ABSTRACT_RESOURCES,
            sibling_key="_" + key,
        )


def append_child(found: Items, holder: Mapping[str, Any], child: Child) -> None:
    """Add to `found` what stands under a child's key, each item typed."""
    value = holder.get(child.key)
    if child.is_primitive:
        sibling = holder.get(child.sibling_key)
        if value is not None or sibling is not None:
            _append_primitives(found, child.type, value, sibling)
    elif type(value) is list:
        if child.is_resource:
            found += [TypedValue(resource_type(v, child.type), v) for v in value if v is not None]
        else:
            found += [TypedValue(child.type, v) for v in value if v is not None]
    elif value is not None:
        kind = resource_type(value, child.type) if child.is_resource else child.type
        found.append(TypedValue(kind, value))


def _append_primitives(found: Items, type_name: str, value: Any, sibling: Any) -> None:
    if type(value) is not list and type(sibling) is not list:
        found.append(TypedValue(type_name, value, sibling))
        return
    values = value if type(value) is list else [] if value is None else [value]
    siblings = sibling if type(sibling) is list else [] if sibling is None else [sibling]
    for at in range(max(len(values), len(siblings))):
        one = values[at] if at < len(values) else None
        beside = siblings[at] if at < len(siblings) else None
        if one is not None or beside is not None:
            found.append(TypedValue(type_name, one, beside))


def resource_type(value: Any, declared: str) -> str:
    """The type of a resource by what it says of itself."""
    if type(value) is dict:
        name = value.get("resourceType")
        if type(name) is str:
            return name
    return declared


def holder_of(item: TypedValue) -> Mapping[str, Any] | None:
    """The JSON object that holds an item's children: for primitives the one beside it."""
    if type(item.value) is dict:
        return item.value
    return item.sibling if type(item.sibling) is dict else None
