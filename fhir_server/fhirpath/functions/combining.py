"""Combining.

Source: FHIRPath N1 §5.4 http://hl7.org/fhirpath/N1/#combining
"""

from fhir_server.fhirpath.functions.registry import on_collection
from fhir_server.fhirpath.operators.collections import cost_of_distinct, distinct
from fhir_server.fhirpath.values import Items


@on_collection(
    "union",
    "unionother-collection",
    returns=None,
    arguments=("collection",),
    cost=lambda items, other: cost_of_distinct(items + other),
)
def union(items: Items, other: Items) -> Items:
    """The items of both, each once."""
    return distinct(items + other)


@on_collection(
    "combine",
    "combineother-collection-collection",
    returns=None,
    arguments=("collection",),
    cost=lambda items, other: len(items) + len(other),
)
def combine(items: Items, other: Items) -> Items:
    """The items of both, duplicates included."""
    return items + other
