"""Plans: the element tree of each profile and type, built once when first asked for."""

from typing import Any

from fhir_server.definitions import Definitions, TypeModel
from fhir_server.definitions.types import FHIR_TYPE_EXTENSION, SYSTEM_TYPE_PREFIX
from fhir_server.model.primitives import PRIMITIVES
from fhir_server.validation.element import Element, TypeRef
from fhir_server.validation.snapshot import (
    ElementNode,
    SnapshotError,
    SnapshotGenerator,
    author_faults,
)

_PROFILE_ELEMENT = "http://hl7.org/fhir/StructureDefinition/elementdefinition-profile-element"
_SYSTEM_TYPES = {"String": "string", "Boolean": "boolean", "Integer": "integer", "Decimal": "decimal",
                 "Date": "date", "DateTime": "dateTime", "Time": "time"}  # fmt: skip


class Plans:
    """The element trees of the definitions, by canonical or type name."""

    def __init__(self, definitions: Definitions) -> None:
        self.definitions = definitions
        self.types: TypeModel = definitions.type_model
        self.snapshots = SnapshotGenerator(definitions)
        self._plans: dict[str, Element | None] = {}
        self._faults: dict[str, SnapshotError] = {}

    def plan(self, canonical: str) -> Element | None:
        """The root element of a profile or type; None where it is not known or broken (see `fault`)."""
        if "#" in canonical:
            return self._part(canonical)
        if canonical not in self._plans:
            structure = self.definitions.structure(canonical)
            if structure is None:
                # Not kept: clients may claim any number of profiles that nobody knows.
                return None
            self._plans[canonical] = self._load(canonical, structure)
        return self._plans[canonical]

    def _part(self, canonical: str) -> Element | None:
        """The element of a profile that the id behind `#` names, as `_profiles` writes it."""
        profile, _, element_id = canonical.partition("#")
        element = self.plan(profile)
        for step in element_id.split(".")[1:]:
            name, _, slice_name = step.partition(":")
            element = element.child(name.removesuffix("[x]")) if element is not None else None
            if element is not None and slice_name:
                slices = (entry for entry in element.slices if entry.slice_name == slice_name)
                element = next(slices, None)
        return element

    def fault(self, canonical: str) -> SnapshotError | None:
        """What is wrong with a profile that is known and yet has no plan."""
        return self._faults.get(canonical)

    def _load(self, canonical: str, structure: dict[str, Any]) -> Element | None:
        try:
            with author_faults(canonical):
                return self._build(structure)
        except SnapshotError as fault:
            self._faults[canonical] = fault
        return None

    def type(self, name: str) -> Element:
        """The root element of a type that R4 has. Errors: KeyError."""
        plan = self.plan(name)
        if plan is None:
            raise KeyError(name)
        return plan

    def content(self, element: Element, type_code: str) -> Element | None:
        """The element whose children describe the content of a value of that type.

        Those that the profile itself spells out, else those of the element it refers to, else the type's.
        """
        if element.children:
            return element
        if element.content_reference is not None:
            return self.at_path(element.content_reference)
        if type_code in PRIMITIVES:
            return self.plan("Element")
        return self.plan(type_code)

    def at_path(self, path: str) -> Element | None:
        """The element at a path of a resource type or data type, such as `Questionnaire.item`."""
        steps = path.split(".")
        element = self.plan(steps[0])
        for step in steps[1:]:
            if element is None:
                return None
            found = element.child(step.removesuffix("[x]"))
            if found is None and element.types:
                content = self.content(element, element.types[0].code)
                found = content.child(step.removesuffix("[x]")) if content else None
            element = found
        if element is not None and element.content_reference is not None:
            return self.at_path(element.content_reference)
        return element

    def _build(self, structure: dict[str, Any]) -> Element:
        tree = self.snapshots.tree(structure)
        url = structure.get("url", "")
        root = Element(
            path=tree.name,
            name=tree.name,
            slice_name=None,
            profile=url,
            definition=tree.definition,
            types=(TypeRef(structure["type"]),),
            json_names={},
            is_list=False,
            is_choice=False,
            base_paths=frozenset({tree.name}),
            model_type=structure["type"],
        )
        root.children = self._children(tree, tree.name, structure["type"], url)
        return root

    def _children(
        self, node: ElementNode, path: str, model_type: str, profile: str
    ) -> tuple[Element, ...]:
        children: list[Element] = []
        for child in node.children:
            if child.slice_name is not None:
                continue
            element = self._element(child, path, model_type, profile)
            element.slices = tuple(
                self._element(entry, path, model_type, profile)
                for entry in node.slices_of(child.name)
            )
            children.append(element)
        return tuple(children)

    def _element(self, node: ElementNode, parent: str, model_type: str, profile: str) -> Element:
        name = node.name.removesuffix("[x]")
        info = self.types.element(model_type, name)
        definition = node.definition
        types = tuple(
            _type_ref(entry, model_type, name, self) for entry in definition.get("type", ())
        )
        base = definition.get("base", {})
        if info is not None and len(info.types) == 1 and "." in info.types[0]:
            # The type model knows a backbone element by its path.
            parts = {url: None for ref in types for url in ref.profiles if "#" in url}
            types = (TypeRef(info.types[0], tuple(parts)),)
        if info is not None:
            is_list, is_choice = info.is_list, info.is_choice
            json_names = dict(info.json_names)
            if not is_choice and types:
                json_names = {name: types[0].code}
        else:
            is_choice = node.name.endswith("[x]")
            is_list = base.get("max", definition.get("max", "1")) not in {"0", "1"}
            json_names = _json_names(name, types, is_choice)
        if not types and definition.get("contentReference"):
            types = (TypeRef(definition["contentReference"].rpartition("#")[2]),)
        path = f"{parent}.{node.name}"
        element = Element(
            path=path,
            name=name,
            slice_name=node.slice_name,
            profile=profile,
            definition=definition,
            types=types,
            json_names=json_names,
            is_list=is_list,
            is_choice=is_choice,
            base_paths=frozenset({path, base.get("path", path)}),
        )
        element.model_type = self._model_type(
            types, info.types if info else (), f"{model_type}.{name}"
        )
        element.children = self._children(node, path, element.model_type, profile)
        return element

    def _model_type(self, types: tuple[TypeRef, ...], known: tuple[str, ...], path: str) -> str:
        """The type that the type model knows the content by: a backbone element by its path."""
        codes = tuple(dict.fromkeys(entry.code for entry in types))
        if len(codes) != 1:
            return known[0] if len(known) == 1 else "Element"
        if codes[0] in {"BackboneElement", "Element"}:
            return path
        return codes[0]


def _json_names(name: str, types: tuple[TypeRef, ...], is_choice: bool) -> dict[str, str]:  # noqa: FBT001 — a property of the element
    if is_choice:
        return {name + entry.code[:1].upper() + entry.code[1:]: entry.code for entry in types}
    return {name: types[0].code if types else "Element"}


def _type_ref(entry: dict[str, Any], model_type: str, name: str, plans: Plans) -> TypeRef:
    code: str = entry.get("code", "Element")
    if code.startswith(SYSTEM_TYPE_PREFIX):
        declared = [
            extension.get("valueUrl") or extension.get("valueUri")
            for extension in entry.get("extension", ())
            if extension.get("url") == FHIR_TYPE_EXTENSION
        ]
        system = code.removeprefix(SYSTEM_TYPE_PREFIX)
        code = declared[0] if declared and declared[0] else _SYSTEM_TYPES.get(system, "string")
        if name == "id" and plans.types.is_resource(model_type):
            # The definition says string, the datatypes page id: §2.1.27.1 gives its form.
            code = "id"
    return TypeRef(
        code,
        _profiles(entry),
        tuple(target for target in entry.get("targetProfile", ()) if target is not None),
        tuple(entry.get("aggregation", ())),
        entry.get("versioning", "either"),
    )


def _profiles(entry: dict[str, Any]) -> tuple[str, ...]:
    """The profiles of a type, each with `#` and the id of the element that is meant, where it names one.

    Source: https://hl7.org/fhir/R4/extension-elementdefinition-profile-element.html
    """
    beside = entry.get("_profile") or ()
    found: list[str] = []
    for at, profile in enumerate(entry.get("profile") or ()):
        if profile is None:
            continue
        sibling = beside[at] if at < len(beside) and isinstance(beside[at], dict) else {}
        named = [
            str(extension.get("valueString"))
            for extension in sibling.get("extension") or ()
            if extension.get("url") == _PROFILE_ELEMENT
        ]
        found.append(f"{profile}#{named[0]}" if named else profile)
    return tuple(found)
