"""What holds between a sliced element and its slices.

Source: FHIR R4 §5.1.0.14 Slicing, https://hl7.org/fhir/R4/profiling.html#slicing
"""

from collections.abc import Iterable

from fhir_server.validation.snapshot.tree import ElementNode


def slice_content(unsliced: Iterable[ElementNode], differential: ElementNode) -> ElementNode:
    """The differential of a slice with what is said of the content of every item, sliced or not, below it."""
    children = [child for general in unsliced for child in general.children]
    if not children:
        return differential
    return ElementNode(
        differential.name,
        differential.slice_name,
        differential.definition,
        _overlaid(children, differential.children),
    )


def _overlaid(general: list[ElementNode], specific: list[ElementNode]) -> list[ElementNode]:
    """Two differentials of one content; an element that the specific one names, it defines alone, as
    published snapshots have it: instances of the slice must meet the definition of both elements anyhow.
    """
    content = ElementNode("", None, {}, [child.copy() for child in general])
    for node in specific:
        below = content.child(node.name, node.slice_name)
        if below is None:
            content.insert(node)
        else:
            below.definition = node.definition or below.definition
            below.children = _overlaid(below.children, node.children)
    return content.children


def raise_minimum(parent: ElementNode, sliced: ElementNode) -> None:
    """Where nobody stated the slicing, its minimum is what its slices require together."""
    required = sum(
        node.definition.get("min", 0)
        for node in parent.slices_of(sliced.name)
        if "/" not in (node.slice_name or "")
    )
    if required > sliced.definition.get("min", 0):
        sliced.definition = {**sliced.definition, "min": required}
