"""The snapshot of a profile: its base's tree, with the differential's tree laid upon it.

Source: FHIR R4 §5.1.0.9 Snapshot and differential, https://hl7.org/fhir/R4/profiling.html#snapshot
"""

from typing import Any

from fhir_server.definitions import Definitions
from fhir_server.definitions.definitions import STRUCTURE_BASE
from fhir_server.validation.snapshot.choice import choice_slice, type_slicing
from fhir_server.validation.snapshot.faults import SnapshotError, broken, url_of
from fhir_server.validation.snapshot.merge import (
    constraint_types,
    inherited_definition,
    merge_definition,
    new_element,
    slice_definition,
)
from fhir_server.validation.snapshot.shape import shape_fault
from fhir_server.validation.snapshot.slices import raise_minimum, slice_content
from fhir_server.validation.snapshot.tree import ElementNode, build_tree, flatten

EXTENSION_SLICING = {
    "discriminator": [{"type": "value", "path": "url"}],
    "description": "Extensions are always sliced by (at least) url",
    "rules": "open",
}
_EXTENSIONS = frozenset({"extension", "modifierExtension"})


def _is_choice(element: ElementNode) -> bool:
    return element.name.endswith("[x]")


class SnapshotGenerator:
    """Gives the elements of a StructureDefinition in full; those that it had to work out are kept.

    Errors: SnapshotError for an unknown base, a profile that rests on itself, or an element that the base
    does not have.
    """

    def __init__(self, definitions: Definitions) -> None:
        self._definitions = definitions
        self._trees: dict[tuple[str, str], ElementNode] = {}

    def snapshot(self, structure: dict[str, Any]) -> list[dict[str, Any]]:
        """The elements of the snapshot: the one it brings, else one generated from the differential."""
        if structure.get("snapshot"):
            self.check_shape(structure)
            elements: list[dict[str, Any]] = structure["snapshot"]["element"]
            return elements
        return flatten(self.tree(structure))

    def generate(self, structure: dict[str, Any]) -> list[dict[str, Any]]:
        """The elements of a snapshot generated from the differential, whether or not it brings one."""
        self.check_shape(structure)
        return flatten(_Generation(self, (structure.get("url", ""),)).run(structure))

    def check_shape(self, structure: dict[str, Any]) -> None:
        """Errors: SnapshotError for a definition that is not what its type says."""
        url = url_of(structure)
        # HL7's own definitions are right, and many are read before the first verdict.
        if not url.startswith(STRUCTURE_BASE):
            fault = shape_fault(structure, self._definitions.type_model)
            if fault is not None:
                raise broken(url, fault.reason)

    def tree(self, structure: dict[str, Any], pending: tuple[str, ...] = ()) -> ElementNode:
        """The tree of the snapshot; shared, so copy it before any change."""
        key = (url_of(structure), str(structure.get("version", "")))
        found = self._trees.get(key)
        if found is None:
            self.check_shape(structure)
            if structure.get("snapshot"):
                found = build_tree(structure["snapshot"]["element"])
            else:
                if key[0] in pending:
                    raise SnapshotError("profile-cycle", profile=key[0])
                found = _Generation(self, (*pending, key[0])).run(structure)
            self._trees[key] = found
        return found

    def tree_of(self, canonical: str, pending: tuple[str, ...] = ()) -> ElementNode:
        """The tree of a canonical or type name."""
        structure = self._definitions.structure(canonical)
        if structure is None:
            raise SnapshotError(
                "profile-unknown-base", base=canonical, profile="".join(pending[-1:])
            )
        return self.tree(structure, pending)

    def knows(self, canonical: str) -> bool:
        """Whether a canonical or type name is known."""
        return self._definitions.structure(canonical) is not None


class _Generation:
    """The generation of one snapshot."""

    def __init__(self, generator: SnapshotGenerator, pending: tuple[str, ...]) -> None:
        self._generator = generator
        self._pending = pending
        self._is_specialization = False
        self._root: ElementNode

    def run(self, structure: dict[str, Any]) -> ElementNode:
        elements = structure.get("differential", {}).get("element", [])
        base_url = structure.get("baseDefinition")
        self._is_specialization = structure.get("derivation") != "constraint"
        if base_url is None:
            root = ElementNode(structure["type"], None, {})
        else:
            root = self._generator.tree_of(base_url, self._pending).copy()
            for node in root.walk():
                if "extension" in node.definition:
                    node.definition = inherited_definition(node.definition)
        if self._is_specialization:
            root.name = structure["type"]
            root.definition = {**root.definition, "base": {"path": root.name, "min": 0, "max": "*"}}
            if structure.get("kind") == "logical":
                constraints = {"constraint": self._root_constraints("Element")}
                root.definition = merge_definition(root.definition, constraints)
        self._root = root
        if elements:
            self._constrain(root, build_tree(elements), root.name)
        return root

    def _tree_of(self, canonical: str) -> ElementNode:
        return self._generator.tree_of(canonical, self._pending)

    def _constrain(self, node: ElementNode, differential: ElementNode, path: str) -> None:
        node.definition = merge_definition(node.definition, differential.definition)
        if not differential.children:
            return
        self._expand(node, path)
        names = dict.fromkeys(child.name for child in differential.children)
        for name in names:
            group = [child for child in differential.children if child.name == name]
            self._constrain_children(node, name, group, path)

    def _constrain_children(
        self, parent: ElementNode, name: str, group: list[ElementNode], path: str
    ) -> None:
        child = parent.child(name)
        if child is None:
            choice = choice_slice(parent, name)
            if choice is not None:
                self._constrain_choice(parent, choice, group, path)
                return
            child = self._add_element(parent, group[0], path)
        inner = f"{path}.{name}"
        # New slices start from the element as the base has it; what the profile says of the unsliced
        # element itself (its cardinality, say) is not said of the slice, but what it says of its content is.
        origin = child.copy()
        unsliced = [differential for differential in group if differential.slice_name is None]
        slices = [differential for differential in group if differential.slice_name is not None]
        for differential in unsliced:
            self._constrain(child, differential, inner)
        is_stated = "slicing" in child.definition
        for differential in slices:
            if self._is_sliced(child):
                above = slice_content(unsliced, differential)
                self._constrain_slice(parent, origin, above, inner, alone=len(slices) == 1)
            else:
                # A slice name without any slicing only names the element.
                self._constrain(child, differential, inner)
        if slices and not is_stated and parent is not self._root:
            raise_minimum(parent, child)

    def _constrain_slice(
        self,
        parent: ElementNode,
        sliced: ElementNode,
        differential: ElementNode,
        path: str,
        *,
        alone: bool = False,
    ) -> None:
        node = parent.child(sliced.name, differential.slice_name)
        if node is None:
            origin = self._sliced_by(parent, sliced, differential.slice_name or "")
            node = origin.copy()
            node.slice_name = differential.slice_name
            # A choice has one value: the slice of the only type that is spoken of inherits the minimum.
            inherited = origin.definition.get("min", 0) if alone and _is_choice(sliced) else 0
            node.definition = slice_definition(
                {**origin.definition, "min": inherited}, self._typed(sliced, differential)
            )
            parent.insert(node)
        self._constrain(node, differential, path)

    @staticmethod
    def _sliced_by(parent: ElementNode, sliced: ElementNode, slice_name: str) -> ElementNode:
        # §5.1.0.14: a re-slice is named after the slice it divides, `example/example1`.
        outer = slice_name.rpartition("/")[0]
        return (parent.child(sliced.name, outer) if outer else None) or sliced

    @staticmethod
    def _typed(sliced: ElementNode, differential: ElementNode) -> dict[str, Any]:
        """The differential of a slice; one named as a type slice (`valueQuantity`) has that type."""
        if not sliced.name.endswith("[x]") or "type" in differential.definition:
            return differential.definition
        stem = sliced.name.removesuffix("[x]")
        types = [
            entry
            for entry in sliced.definition.get("type", ())
            if differential.slice_name == stem + entry["code"][0].upper() + entry["code"][1:]
        ]
        return {**differential.definition, "type": types} if types else differential.definition

    @staticmethod
    def _is_sliced(sliced: ElementNode) -> bool:
        """Whether an element is sliced; extensions and choices are, where nobody says so, by url and type."""
        if "slicing" in sliced.definition:
            return True
        if sliced.name in _EXTENSIONS:
            sliced.definition = {**sliced.definition, "slicing": EXTENSION_SLICING}
        elif sliced.name.endswith("[x]"):
            sliced.definition = {**sliced.definition, "slicing": type_slicing("open")}
        return "slicing" in sliced.definition

    def _constrain_choice(
        self,
        parent: ElementNode,
        choice: tuple[ElementNode, dict[str, Any]],
        group: list[ElementNode],
        path: str,
    ) -> None:
        """A choice named by one of its types (`valueQuantity`): a slice by type, and, where the profile
        says nothing else of the choice, the only type left.
        """
        sliced, type_entry = choice
        if parent.slice_name is not None and "slicing" not in sliced.definition and len(group) == 1:
            # Within a slice the only type named leaves nothing to slice.
            sliced.definition = {**sliced.definition, "type": [type_entry]}
            self._constrain(sliced, group[0], f"{path}.{sliced.name}")
            return
        for differential in group:
            name = differential.name
            typed = ElementNode(
                sliced.name,
                differential.slice_name or name,
                {"type": [type_entry], **differential.definition},
                differential.children,
            )
            if "slicing" not in sliced.definition:
                sliced.definition = {
                    **sliced.definition,
                    "slicing": type_slicing("closed"),
                    "type": [type_entry],
                }
            self._constrain_slice(parent, sliced, typed, f"{path}.{sliced.name}")

    def _add_element(
        self, parent: ElementNode, differential: ElementNode, path: str
    ) -> ElementNode:
        if not self._is_specialization:
            raise SnapshotError(
                "profile-unknown-element",
                element=f"{path}.{differential.name}",
                profile=self._pending[-1],
            )
        definition = differential.definition
        constraints = [
            constraint
            for name in constraint_types(definition)
            for constraint in self._root_constraints(name)
        ]
        node = ElementNode(
            differential.name,
            None,
            new_element(f"{path}.{differential.name}", definition, constraints),
        )
        parent.insert(node)
        return node

    def _root_constraints(self, type_name: str) -> list[dict[str, Any]]:
        constraints = self._tree_of(type_name).definition.get("constraint", [])
        return (
            [constraint for constraint in constraints if constraint["key"] != "ele-1"]
            if (type_name == "Extension")
            else list(constraints)
        )

    def _expand(self, node: ElementNode, path: str) -> None:
        """Give an element without children those of its type, so that they can be constrained."""
        if node.children or node is self._root:
            return
        reference = node.definition.get("contentReference")
        if reference is not None:
            node.children = self._referenced(reference).copy().children
            node.definition = {
                **{k: v for k, v in node.definition.items() if k != "contentReference"},
                "type": self._referenced(reference).definition.get("type", []),
            }
            return
        node.children = self._type_tree(node, path).copy().children

    def _referenced(self, reference: str) -> ElementNode:
        """The element a content reference names, in the definition of its resource type."""
        steps = reference.rpartition("#")[2].split(".")
        node: ElementNode | None = self._tree_of(steps[0])
        for step in steps[1:]:
            node = node.child(step) if node else None
        if node is not None:
            return node
        raise SnapshotError("profile-unknown-element", element=reference, profile=self._pending[-1])

    def _type_tree(self, node: ElementNode, path: str) -> ElementNode:
        """The tree an element takes its children from."""
        types = node.definition.get("type", [])
        if not types:
            raise SnapshotError("profile-unknown-element", element=path, profile=self._pending[-1])
        if len(types) > 1:
            # Several types share only what Element has: id and extension.
            return self._tree_of("Element")
        profile = self._only_profile(node)
        if profile is not None:
            return self._tree_of(profile)
        code = types[0]["code"]
        if code.startswith("http://hl7.org/fhirpath/"):
            return self._tree_of("Element")
        return self._tree_of(code)

    def _only_profile(self, node: ElementNode) -> str | None:
        """The profile that an element's only type must conform to, where it is one and known."""
        types = node.definition.get("type", [])
        profiles: list[str] = types[0].get("profile", []) if len(types) == 1 else []
        if len(profiles) != 1 or "#" in profiles[0] or not self._generator.knows(profiles[0]):
            return None
        return profiles[0]
