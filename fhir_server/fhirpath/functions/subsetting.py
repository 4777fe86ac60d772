"""Subsetting.

Source: FHIRPath N1 §5.3 http://hl7.org/fhirpath/N1/#subsetting
"""

from fhir_server.fhirpath.errors import execution_error
from fhir_server.fhirpath.functions.registry import on_collection
from fhir_server.fhirpath.operators.collections import comparisons, distinct, holds
from fhir_server.fhirpath.values import Items


@on_collection("single", "single-collection", returns="same")
def only(items: Items) -> Items:
    """The only item; several are an error."""
    if len(items) > 1:
        raise execution_error("fhirpath-singleton", operation="single()", found=len(items))
    return items


@on_collection("first", "first-collection", returns="same", needs_order=True)
def first(items: Items) -> Items:
    """The first item."""
    return items[:1]


@on_collection("last", "last-collection", returns="same", needs_order=True)
def last(items: Items) -> Items:
    """The last item."""
    return items[-1:]


@on_collection("tail", "tail-collection", returns="same", needs_order=True)
def tail(items: Items) -> Items:
    """All but the first item."""
    return items[1:]


@on_collection(
    "skip", "skipnum-integer-collection", returns="same", arguments=("integer",), needs_order=True
)
def skip(items: Items, number: int) -> Items:
    """All but the first `number` items."""
    return items[max(number, 0) :]


@on_collection(
    "take", "takenum-integer-collection", returns="same", arguments=("integer",), needs_order=True
)
def take(items: Items, number: int) -> Items:
    """The first `number` items."""
    return items[: max(number, 0)]


@on_collection(
    "intersect",
    "intersectother-collection-collection",
    returns="same",
    arguments=("collection",),
    cost=comparisons,
)
def intersect(items: Items, other: Items) -> Items:
    """The items that both hold, each once."""
    return distinct([item for item in items if holds(other, item)])


@on_collection(
    "exclude",
    "excludeother-collection-collection",
    returns="same",
    arguments=("collection",),
    cost=comparisons,
)
def exclude(items: Items, other: Items) -> Items:
    """The items the other does not hold; order and duplicates stay."""
    return [item for item in items if not holds(other, item)]
