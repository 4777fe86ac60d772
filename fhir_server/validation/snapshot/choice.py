"""Choice types in differentials: `valueQuantity` for the slice of `value[x]` by that type.

Source: FHIR R4 §5.1.0.12.3 (shortcut for type slices), https://hl7.org/fhir/R4/profiling.html#slicing
"""

from typing import Any

from fhir_server.validation.snapshot.tree import ElementNode


def type_slicing(rules: str) -> dict[str, Any]:
    """The slicing of a choice element by its type."""
    return {
        "discriminator": [{"type": "type", "path": "$this"}],
        "ordered": False,
        "rules": rules,
    }


def choice_slice(parent: ElementNode, name: str) -> tuple[ElementNode, dict[str, Any]] | None:
    """The choice element that a name such as `valueQuantity` means, and the entry of that type."""
    for child in parent.children:
        if child.slice_name is not None or not child.name.endswith("[x]"):
            continue
        stem = child.name.removesuffix("[x]")
        for entry in child.definition.get("type", ()):
            code: str = entry["code"]
            if name == stem + code[:1].upper() + code[1:]:
                return child, entry
    return None
