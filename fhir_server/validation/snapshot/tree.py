"""The elements of a StructureDefinition as a tree; slices stand beside the element they slice.

Source: FHIR R4 ElementDefinition §2.27 (element ids and paths),
https://hl7.org/fhir/R4/elementdefinition.html#id
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

Definition = dict[str, Any]


@dataclass(slots=True)
class ElementNode:
    """One element: `name` is the last step of its path, `slice_name` None where it is no slice.

    `children` keep the order of the definition: an element, then its slices. Definitions are shared
    between trees and never changed in place.
    """

    name: str
    slice_name: str | None
    definition: Definition
    children: list["ElementNode"] = field(default_factory=list)

    def copy(self) -> "ElementNode":
        """The same tree with nodes of its own; definitions stay shared."""
        return ElementNode(
            self.name, self.slice_name, self.definition, [child.copy() for child in self.children]
        )

    def child(self, name: str, slice_name: str | None = None) -> "ElementNode | None":
        """The child of a name and slice, or None."""
        for child in self.children:
            if child.name == name and child.slice_name == slice_name:
                return child
        return None

    def slices_of(self, name: str) -> list["ElementNode"]:
        """The slices of a child, in order."""
        return [c for c in self.children if c.name == name and c.slice_name is not None]

    def insert(self, node: "ElementNode") -> None:
        """Add a child after the last one of its name (a re-slice: after the slice it re-slices)."""
        last = -1
        parent_slice = (node.slice_name or "").rpartition("/")[0]
        for index, child in enumerate(self.children):
            if child.name != node.name:
                continue
            within = child.slice_name or ""
            if not parent_slice or within == parent_slice or within.startswith(parent_slice + "/"):
                last = index
        self.children.insert(last + 1 if last >= 0 else len(self.children), node)

    def walk(self) -> Iterator["ElementNode"]:
        """The node and all below it, in order."""
        yield self
        for child in self.children:
            yield from child.walk()


def build_tree(elements: Sequence[Definition]) -> ElementNode:
    """The tree of a snapshot or a differential.

    A differential may leave elements out: what lies between is made, with an empty definition. Where an
    element has a well-formed id it decides the place, else its path and the elements before it.
    """
    root_name = elements[0]["path"].split(".", 1)[0]
    root = ElementNode(root_name, None, {})
    open_nodes = [root]
    for element in elements:
        steps = element["path"].split(".")
        keys = _keys_of_id(element, len(steps))
        if len(steps) == 1:
            root.definition = element
            open_nodes = [root]
            continue
        parents = (
            _find_by_id(root, keys[1:-1]) if keys else _find_by_path(open_nodes, steps[:-1], root)
        )
        name, slice_name = keys[-1] if keys else (steps[-1], None)
        slice_name = element.get("sliceName", slice_name)
        parent = parents[-1]
        node = parent.child(name, slice_name)
        if node is None:
            node = ElementNode(name, slice_name, element)
            parent.insert(node)
        else:
            node.definition = {**node.definition, **element}
        open_nodes = [*parents, node]
    return root


def _keys_of_id(element: Definition, length: int) -> list[tuple[str, str | None]] | None:
    identity = element.get("id")
    if not isinstance(identity, str):
        return None
    keys: list[tuple[str, str | None]] = []
    for step in identity.split("."):
        name, _, slice_name = step.partition(":")
        keys.append((name, slice_name or None))
    return keys if len(keys) == length else None


def _find_by_id(root: ElementNode, keys: Iterable[tuple[str, str | None]]) -> list[ElementNode]:
    found = [root]
    for name, slice_name in keys:
        parent = found[-1]
        node = parent.child(name, slice_name)
        if node is None:
            node = ElementNode(name, slice_name, {})
            parent.insert(node)
        found.append(node)
    return found


def _find_by_path(
    open_nodes: list[ElementNode], steps: list[str], root: ElementNode
) -> list[ElementNode]:
    found = [root]
    for index, name in enumerate(steps[1:], start=1):
        if (
            index < len(open_nodes)
            and open_nodes[index].name == name
            and found[-1] is open_nodes[index - 1]
        ):
            found.append(open_nodes[index])
            continue
        node = found[-1].child(name)
        if node is None:
            node = ElementNode(name, None, {})
            found[-1].insert(node)
        found.append(node)
    return found


def flatten(root: ElementNode) -> list[Definition]:
    """The elements of a tree in order, each with the path and id of its place."""
    elements: list[Definition] = []
    _flatten(root, root.name, root.name, elements)
    return elements


def _flatten(node: ElementNode, path: str, identity: str, elements: list[Definition]) -> None:
    element = {**node.definition, "id": identity, "path": path}
    if node.slice_name is None:
        element.pop("sliceName", None)
    else:
        element["sliceName"] = node.slice_name
    elements.append(element)
    for child in node.children:
        step = child.name if child.slice_name is None else f"{child.name}:{child.slice_name}"
        _flatten(child, f"{path}.{child.name}", f"{identity}.{step}", elements)
