"""A profile as validation reads it: elements with their JSON keys, types, children and slices.

Source: FHIR R4 ElementDefinition, https://hl7.org/fhir/R4/elementdefinition.html
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from fhir_server.model.primitives import PRIMITIVES

MUST_HAVE_VALUE = (
    "http://hl7.org/fhir/5.0/StructureDefinition/extension-ElementDefinition.mustHaveValue"
)
MIN_LENGTH = "http://hl7.org/fhir/StructureDefinition/minLength"


@dataclass(frozen=True, slots=True)
class TypeRef:
    """One type an element may take: `profiles` its values must conform to (one of them), `targets` the
    profiles that what it refers to must conform to.
    """

    code: str
    profiles: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    aggregation: tuple[str, ...] = ()
    versioning: str = "either"


@dataclass(eq=False)
class Element:
    """One element of a profile. Built once, then only read.

    Shape: `name` without `[x]`; `json_names` the type of each JSON key, those of the base included, so
    that a type which the profile does not allow is known as such; `types` what the profile allows;
    `children` the elements below, without slices; `maximum` None where unbounded.
    """

    path: str
    name: str
    slice_name: str | None
    profile: str
    definition: Mapping[str, Any]
    types: tuple[TypeRef, ...]
    json_names: Mapping[str, str]
    is_list: bool
    is_choice: bool
    children: tuple["Element", ...] = ()
    slices: tuple["Element", ...] = ()
    base_paths: frozenset[str] = field(default_factory=frozenset)
    model_type: str = "Element"
    """The name by which the type model knows its content, of one type only."""

    @cached_property
    def minimum(self) -> int:
        """How often it must occur."""
        return int(self.definition.get("min") or 0)

    @cached_property
    def maximum(self) -> int | None:
        """How often it may occur; None where there is no bound."""
        text = self.definition.get("max") or "*"
        return None if text == "*" else int(text)

    @cached_property
    def slicing(self) -> Mapping[str, Any]:
        """How it is sliced; empty where it is not."""
        slicing: Mapping[str, Any] = self.definition.get("slicing") or {}
        return slicing

    @cached_property
    def constraints(self) -> tuple[Mapping[str, Any], ...]:
        """Its invariants."""
        return tuple(self.definition.get("constraint") or ())

    @cached_property
    def keys(self) -> frozenset[str]:
        """Every JSON key of it, those of the siblings of primitives included."""
        return frozenset(key for keys in self.keys_of_types for key in keys)

    @cached_property
    def keys_of_types(self) -> tuple[tuple[str, ...], ...]:
        """The JSON keys of each of its types: the name, and the sibling of a primitive."""
        return tuple(
            (name, f"_{name}") if code in PRIMITIVES else (name,)
            for name, code in self.json_names.items()
        )

    @cached_property
    def by_key(self) -> Mapping[str, "Element"]:
        """The child of every JSON key that its content may have."""
        return {
            key: child for child in self.children for keys in child.keys_of_types for key in keys
        }

    @cached_property
    def bounds(self) -> tuple[tuple[str, Any], ...]:
        """Its least and greatest values, by the names of their properties."""
        prefixes = ("minValue", "maxValue")
        return tuple((k, v) for k, v in self.definition.items() if k.startswith(prefixes))

    @cached_property
    def minimum_length(self) -> int:
        """How many characters a text must have, by HL7's extension."""
        for extension in self.definition.get("extension") or ():
            if extension.get("url") == MIN_LENGTH:
                return int(extension.get("valueInteger") or 0)
        return 0

    @cached_property
    def must_have_value(self) -> bool:
        """Whether extensions alone do not do, by the extension that R5's property has in R4."""
        return any(
            extension.get("url") == MUST_HAVE_VALUE and extension.get("valueBoolean") is True
            for extension in self.definition.get("extension") or ()
        )

    @cached_property
    def is_asked_for(self) -> bool:
        """Whether something is missing where it does not occur."""
        return self.minimum > 0 or any(entry.minimum > 0 for entry in self.slices)

    @cached_property
    def content_reference(self) -> str | None:
        """The path of the element whose children it shares."""
        reference = self.definition.get("contentReference")
        return reference.rpartition("#")[2] if isinstance(reference, str) else None

    @cached_property
    def fixed(self) -> tuple[str, Any] | None:
        """The type and value it must have exactly."""
        return self._valued("fixed")

    @cached_property
    def pattern(self) -> tuple[str, Any] | None:
        """The type and value it must contain."""
        return self._valued("pattern")

    @property
    def is_fixed(self) -> bool:
        """Whether it has a value to equal or to contain."""
        return self.fixed is not None or self.pattern is not None

    def _valued(self, prefix: str) -> tuple[str, Any] | None:
        for key, value in self.definition.items():
            if key.startswith(prefix) and key != prefix:
                return key.removeprefix(prefix), value
        return None

    def type_ref(self, code: str) -> TypeRef | None:
        """What the profile says of one of its types; None where the type is not allowed."""
        for entry in self.types:
            if entry.code == code:
                return entry
        return None

    def profiles_for(self, resource: Any, declared: TypeRef) -> tuple[str, ...]:
        """What a resource in this element must meet: an element that takes several resource types asks
        each for its own profiles.
        """
        kind = resource.get("resourceType") if isinstance(resource, dict) else None
        own = self.type_ref(kind) if isinstance(kind, str) else None
        return (own or declared).profiles

    def child(self, name: str) -> "Element | None":
        """The child of a name (without `[x]`)."""
        for child in self.children:
            if child.name == name:
                return child
        return None
