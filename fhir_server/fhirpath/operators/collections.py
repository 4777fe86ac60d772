"""Collections: `|` `in` `contains` and the indexer.

Source: FHIRPath N1 §6.4 http://hl7.org/fhirpath/N1/#collections-2
"""

from collections.abc import Mapping, Sequence
from typing import Any

from fhir_server.fhirpath.budget import FREE, PAIRS_SHIFT
from fhir_server.fhirpath.errors import execution_error
from fhir_server.fhirpath.fragment import EMPTY, Fragment, single
from fhir_server.fhirpath.operators.equality import equal_items, same_objects
from fhir_server.fhirpath.operators.operator import BinaryOperator
from fhir_server.fhirpath.scope import Scope
from fhir_server.fhirpath.values import CONVERTED_TYPES, Items, TypedValue


def distinct(items: Items) -> Items:
    """The items without those equal to an earlier one, in their order."""
    if len(items) < 2:
        return items
    plain = _distinct_texts(items) if _is_text(items[0]) else _distinct_elements(items)
    if plain is not None:
        return plain
    found: Items = []
    for item in items:
        if not holds(found, item):
            found.append(item)
    return found


TEXT_TYPES = frozenset(
    {"string", "code", "uri", "url", "canonical", "id", "oid", "uuid", "markdown"}
)
"""Types whose values are texts as Python has them."""


def _is_text(item: Any) -> bool:
    return type(item) is str or (type(item) is TypedValue and item.type in TEXT_TYPES)


def _distinct_texts(items: Items) -> Items | None:
    """In one pass, where every item is text; None where one is not."""
    found: dict[str, Any] = {}
    for item in items:
        text = item.value if type(item) is TypedValue and item.type in TEXT_TYPES else item
        if type(text) is not str:
            return None
        found.setdefault(text, item)
    return list(found.values())


def _distinct_elements(items: Items) -> Items | None:
    """Without conversion, where every item is an element of the same complex type; None otherwise."""
    kind = items[0].type if type(items[0]) is TypedValue else None
    if kind is None or kind in CONVERTED_TYPES:
        return None
    if any(type(i) is not TypedValue or i.type != kind or type(i.value) is not dict for i in items):
        return None
    kept = distinct_objects([item.value for item in items])
    return items if len(kept) == len(items) else [TypedValue(kind, value) for value in kept]


def distinct_objects(values: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The JSON objects without those equal to an earlier one."""
    found: list[dict[str, Any]] = []
    for value in values:
        for other in found:
            # Most differ in a plain text, seen here without a call.
            for key, member in value.items():
                if member != other.get(key) and type(member) is str and member[10:11] != "T":
                    break
            else:
                if same_objects(value, other):
                    break
        else:
            found.append(value)
    return found


def comparisons(items: Items, other: Items) -> int:
    """Units of work where each item is compared with those of another collection."""
    return len(items) + (len(items) * len(other) >> PAIRS_SHIFT)


def cost_of_distinct(items: Items) -> int:
    """Units of work of `distinct`."""
    if len(items) <= FREE or all(map(_is_text, items)):
        return len(items)
    return comparisons(items, items)


def holds(items: Items, wanted: Any) -> bool:
    """Whether one of the items equals the wanted one."""
    return any(equal_items(item, wanted) is True for item in items)


def union(parts: tuple[Fragment, ...]) -> Fragment:
    """`|`: every item once. Branches that cannot hold anything are left out."""
    live = tuple(part for part in parts if part.types != ())
    if not live:
        return EMPTY
    runs = tuple(part.run for part in live)
    known = [part.types for part in live]
    types = None if None in known else tuple(dict.fromkeys(t for some in known for t in some or ()))

    def run(this: Any, scope: Scope) -> Items:
        items: Items = []
        for branch in runs:
            items = items + branch(this, scope)
        if len(items) > 1:
            scope.spend(cost_of_distinct(items))
        return distinct(items)

    ordered = all(part.ordered for part in live)
    return Fragment(run, types, ordered, "operator |", live)


def indexer(source: Fragment, index: Fragment) -> Fragment:
    """`source[index]`, from zero; nothing beyond the end. Source: FHIRPath N1 §5.3.1."""
    items_of, index_of = source.run, index.run

    def run(this: Any, scope: Scope) -> Items:
        items = items_of(this, scope)
        at = single(index_of(this, scope), "[ ]")
        if at is None:
            return []
        if type(at) is not int:
            raise execution_error(
                "fhirpath-wrong-type", operation="[ ]", wanted="Integer", found=str(at)
            )
        return items[at : at + 1] if at >= 0 else []

    return Fragment(run, source.types, source.ordered, "indexer", (source, index))


def _in(left: Items, right: Items) -> Items:
    if not left:
        return []
    if len(left) > 1:
        raise execution_error("fhirpath-singleton", operation="in", found=len(left))
    return [holds(right, left[0])]


OPERATORS: Mapping[str, BinaryOperator] = {
    "in": BinaryOperator(_in, cost=comparisons),
    "contains": BinaryOperator(lambda left, right: _in(right, left), cost=comparisons),
}
