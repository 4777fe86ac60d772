"""The values of one element in an object: of each of its JSON keys, with the siblings of primitives."""

from collections.abc import Iterator
from typing import Any

import msgspec

from fhir_server.model.primitives import PRIMITIVES
from fhir_server.validation.element import Element


class Item(msgspec.Struct, frozen=True, gc=False):
    """One value of an element.

    Shape: `value` None where a primitive has only an id or extensions; `sibling` those; `type_code` its
    FHIR type; `location` its FHIRPath; `key` and `index` where it stands in the object.
    """

    value: Any
    sibling: Any
    type_code: str
    location: str
    key: str
    index: int | None

    @property
    def node(self) -> Any:
        """What FHIRPath and matching look at."""
        return self.value


def items_of(element: Element, value: dict[str, Any], location: str) -> Iterator[Item]:
    """The values of an element, in order; what has the wrong JSON shape is passed on as it stands."""
    for keys in element.keys_of_types:
        if value.keys().isdisjoint(keys):
            continue
        key = keys[0]
        type_code, place = element.json_names[key], f"{location}.{element.name}"
        present = value.get(key)
        sibling = value.get(keys[1]) if len(keys) > 1 else None
        if not element.is_list:
            if element.is_choice:
                place = f"{place}.ofType({type_code})"
            yield Item(present, sibling, type_code, place, key, None)
            continue
        values = present if isinstance(present, list) else [] if key not in value else [present]
        siblings = sibling if isinstance(sibling, list) else []
        for index in range(max(len(values), len(siblings))):
            yield Item(
                values[index] if index < len(values) else None,
                siblings[index] if index < len(siblings) else None,
                type_code,
                f"{place}[{index}]",
                key,
                index,
            )


def item_of(
    element: Element, key: str, value: dict[str, Any], location: str, index: int | None = None
) -> Item:
    """The value of an element under a JSON key of an object, or that at an index of its array."""
    type_code = element.json_names[key]
    present = value[key]
    sibling = value.get(f"_{key}") if type_code in PRIMITIVES else None
    place = f"{location}.{element.name}"
    if index is not None:
        beside = sibling[index] if isinstance(sibling, list) else None
        return Item(present[index], beside, type_code, f"{place}[{index}]", key, index)
    if element.is_choice:
        place = f"{place}.ofType({type_code})"
    return Item(present, sibling, type_code, place, key, None)
