"""A profile as validation reads it: elements with their JSON keys, types, children and slices.

Source: FHIR R4 ElementDefinition, https://hl7.org/fhir/R4/elementdefinition.html
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any


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

    def child(self, name: str) -> "Element | None":
        """The child of a name (without `[x]`)."""
        for child in self.children:
            if child.name == name:
                return child
        return None
