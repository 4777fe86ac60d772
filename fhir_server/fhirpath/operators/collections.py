"""Collections: `|` `in` `contains` and the indexer.

Source: FHIRPath N1 §6.4 http://hl7.org/fhirpath/N1/#collections-2
"""

from collections.abc import Mapping
from typing import Any

from fhir_server.fhirpath.errors import execution_error
from fhir_server.fhirpath.fragment import EMPTY, Fragment, single
from fhir_server.fhirpath.operators.equality import equal_items
from fhir_server.fhirpath.operators.operator import BinaryOperator
from fhir_server.fhirpath.scope import Scope
from fhir_server.fhirpath.values import Items, TypedValue


def distinct(items: Items) -> Items:
    """The items without those equal to an earlier one, in their order."""
    if len(items) < 2:
        return items
    texts = distinct_texts(items)
    if texts is not None:
        return texts
    found: Items = []
    for item in items:
        if not holds(found, item):
            found.append(item)
    return found


def distinct_texts(items: Items) -> Items | None:
    """As `distinct`, in one pass where every item is text of one type; None where that is not so."""
    first = items[0]
    if type(first) is str:
        return list(dict.fromkeys(items)) if all(type(item) is str for item in items) else None
    if type(first) is not TypedValue or first.type not in _TEXT_TYPES:
        return None
    found: dict[Any, Any] = {}
    for item in items:
        if type(item) is not TypedValue or item.type != first.type or type(item.value) is not str:
            return None
        found.setdefault(item.value, item)
    return list(found.values())


_TEXT_TYPES = frozenset(
    {"string", "code", "uri", "url", "canonical", "id", "oid", "uuid", "markdown"}
)


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
        return distinct(items)

    return Fragment(run, types, ordered=False, note="operator |", parts=live)


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
    "in": BinaryOperator(_in),
    "contains": BinaryOperator(lambda left, right: _in(right, left)),
}
