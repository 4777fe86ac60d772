"""The R4 type model: which elements a type has, what types they may take, how often they occur.

Types are named as the specification does: `Patient`, `HumanName`, `string`, and backbone elements by their
path, `Patient.contact`. FHIRPath is compiled and instances are checked against it.

Source: FHIR R4 StructureDefinition, https://hl7.org/fhir/R4/structuredefinition.html
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

FHIR_TYPE_EXTENSION = "http://hl7.org/fhir/StructureDefinition/structuredefinition-fhir-type"
SYSTEM_TYPE_PREFIX = "http://hl7.org/fhirpath/System."


@dataclass(frozen=True, slots=True)
class ElementInfo:
    """One element of a type.

    Shape: `name` as in a path, without `[x]`; `types` the type names it may take (several for a choice);
    `is_list` whether JSON holds an array; `json_names` maps each JSON key to its type.
    """

    name: str
    path: str
    types: tuple[str, ...]
    min: int
    max: str
    is_choice: bool
    json_names: Mapping[str, str]

    @property
    def is_list(self) -> bool:
        """Whether JSON holds an array."""
        return self.max not in {"0", "1"}


@dataclass(frozen=True, slots=True)
class TypeInfo:
    """One type: `kind` is resource, complex-type, primitive-type or backbone; `base` is None at the root."""

    name: str
    kind: str
    base: str | None
    elements: Mapping[str, ElementInfo]
    by_json_name: Mapping[str, ElementInfo]


class TypeModel:
    """The types of R4; each is drawn from its StructureDefinition when first asked for."""

    def __init__(self, structure: Callable[[str], dict[str, Any] | None]) -> None:
        self._structure = structure
        self._types: dict[str, TypeInfo] = {}

    def type(self, name: str) -> TypeInfo | None:
        """The type of a name, or None."""
        head = name.partition(".")[0]
        if head not in self._types:
            # What is not found is asked for again, not kept: clients can send any number of names.
            self._load(head)
        return self._types.get(name)

    def element(self, type_name: str, element: str) -> ElementInfo | None:
        """The element of a type by its name (`value`) or its JSON key (`valueQuantity`)."""
        info = self.type(type_name)
        if info is None:
            return None
        return info.elements.get(element) or info.by_json_name.get(element)

    def position(self, type_name: str, element: str) -> int | None:
        """Where an element stands in the order of its type; None for one that the type lacks."""
        info, known = self.type(type_name), self.element(type_name, element)
        return None if info is None or known is None else list(info.elements).index(known.name)

    def is_subtype(self, name: str, of: str) -> bool:
        """Whether a type is another or derives from it."""
        current: str | None = name
        while current is not None:
            if current == of:
                return True
            info = self.type(current)
            current = info.base if info else None
        return False

    def is_primitive(self, name: str) -> bool:
        """Whether a type is a FHIR primitive."""
        info = self.type(name)
        return info is not None and info.kind == "primitive-type"

    def is_resource(self, name: str) -> bool:
        """Whether a type is a resource type."""
        info = self.type(name)
        return info is not None and info.kind == "resource"

    def _load(self, name: str) -> None:
        structure = self._structure(name)
        if structure is None or structure.get("derivation") == "constraint":
            return
        elements = structure["snapshot"]["element"]
        children: dict[str, list[dict[str, Any]]] = {}
        for element in elements[1:]:
            parent = element["path"].rpartition(".")[0]
            children.setdefault(parent, []).append(element)
        base = structure.get("baseDefinition", "").rpartition("/")[2] or None
        root = elements[0]["path"]
        for path in [root, *(path for path in children if path != root)]:
            is_root = path == root
            own = [_element_info(element) for element in children.get(path, [])]
            backbone = next(
                (e["type"][0]["code"] for e in elements if e["path"] == path and "type" in e), None
            )
            self._types[path] = TypeInfo(
                name=path,
                kind=structure["kind"] if is_root else "backbone",
                base=base if is_root else backbone,
                elements={info.name: info for info in own},
                by_json_name={key: info for info in own for key in info.json_names},
            )
        if not children:
            self._types.setdefault(root, TypeInfo(root, structure["kind"], base, {}, {}))


def _element_info(element: dict[str, Any]) -> ElementInfo:
    path: str = element["path"]
    last = path.rpartition(".")[2]
    is_choice = last.endswith("[x]")
    name = last.removesuffix("[x]")
    types = _type_names(element)
    json_names = (
        {name + t[0].upper() + t[1:]: t for t in types}
        if is_choice
        else dict.fromkeys([name], types[0])
    )
    return ElementInfo(name, path, types, element.get("min", 0), element.get("base", element)["max"],
                       is_choice, json_names)  # fmt: skip


def _type_names(element: dict[str, Any]) -> tuple[str, ...]:
    reference = element.get("contentReference")
    if reference is not None:
        return (reference.rpartition("#")[2],)
    names: list[str] = []
    for entry in element.get("type", ()):
        code: str = entry["code"]
        if code.startswith(SYSTEM_TYPE_PREFIX):
            declared = [
                e.get("valueUrl")
                for e in entry.get("extension", ())
                if e["url"] == FHIR_TYPE_EXTENSION
            ]
            code = (
                declared[0] or "string"
                if declared
                else code.removeprefix(SYSTEM_TYPE_PREFIX).lower()
            )
        elif code in {"BackboneElement", "Element"} and "." in element["path"]:
            code = element["path"]
        names.append(code)
    return tuple(dict.fromkeys(names)) or ("Element",)
