"""Glances: what may show without FHIRPath that an invariant of R4 is not broken.

A glance says yes where that is plain to see; where it says no, FHIRPath is asked.

Source: the expressions of the published definitions, https://hl7.org/fhir/R4/resource.html
"""

from collections.abc import Callable, Mapping
from typing import Any

from fhir_server.model.primitives import is_date_time
from fhir_server.validation.scope import Scope

Glance = Callable[[Any, Scope], bool]

_SECONDS = len("2000-01-01T00:00:00")


def _is_no_dead_link(value: Any, scope: Scope) -> bool:
    """`ref-1`: nothing is referred to, or what is not contained, or what begins with # is."""
    reference = value.get("reference")
    if "_reference" in value:
        return False
    if type(reference) is not str:
        return reference is None
    return reference[:1] != "#" or reference[1:] in scope.contained_by_id


def _is_in_order(value: Any, _: Scope) -> bool:
    """`per-1`, of moments written in one precision and one zone, which compare as their texts do."""
    start, end = value.get("start"), value.get("end")
    return (
        type(start) is str
        and type(end) is str
        and start <= end
        and len(start) == len(end)
        and start[_SECONDS:] == end[_SECONDS:]
        and is_date_time(start)
        and is_date_time(end)
    )


def _contains_nothing_twice_removed(value: Any, _: Scope) -> bool:
    """`dom-2`: no contained resource contains another."""
    return all(isinstance(one, dict) and "contained" not in one for one in value["contained"])


def _is_all_referred_to(value: Any, scope: Scope) -> bool:
    """`dom-3`: a Reference of the resource leads to each contained one; also one in an element that R4 does
    not have, which is an error of its own.
    """
    wanted = {f"#{one.get('id')}" for one in value["contained"] if isinstance(one, dict)}
    waiting: list[Any] = list(scope.resource.values())
    while waiting and wanted:
        one = waiting.pop()
        if type(one) is dict:
            reference = one.get("reference")
            if type(reference) is str:
                wanted.discard(reference)
            waiting.extend(one.values())
        elif type(one) is list:
            waiting.extend(item for item in one if type(item) is dict)
    return not wanted


def _is_in_entries(key: str, kinds: frozenset[str]) -> Glance:
    """`bdl-3`, `bdl-4`: every entry has an element if the Bundle is of one of some kinds, else none has."""

    def glance(value: Any, scope: Scope) -> bool:
        kind, tally = value.get("type"), scope.tally
        if type(kind) is not str or tally.count is None or scope.resource is not value:
            return False
        return tally.holding[key] == (tally.count if kind in kinds else 0)

    return glance


def _has_no_search(value: Any, scope: Scope) -> bool:
    """`bdl-2`: no entry says how it was found."""
    tally = scope.tally
    return scope.resource is value and tally.count is not None and tally.holding["search"] == 0


def _is_each_once(value: Any, scope: Scope) -> bool:
    """`bdl-7`: no two entries have one fullUrl and version."""
    tally = scope.tally
    return scope.resource is value and tally.count is not None and tally.identities == tally.urls


GLANCES: Mapping[str, Glance] = {
    "reference.startsWith('#').not() or (reference.substring(1).trace('url') in "
    "%rootResource.contained.id.trace('ids'))": _is_no_dead_link,
    "start.hasValue().not() or end.hasValue().not() or (start <= end)": _is_in_order,
    "contained.contained.empty()": _contains_nothing_twice_removed,
    "contained.where((('#'+id in (%resource.descendants().reference | "
    "%resource.descendants().as(canonical) | %resource.descendants().as(uri) | "
    "%resource.descendants().as(url))) or descendants().where(reference = '#').exists() or "
    "descendants().where(as(canonical) = '#').exists() or "
    "descendants().where(as(canonical) = '#').exists()).not()).trace('unmatched', id).empty()": (
        _is_all_referred_to
    ),
    "entry.search.empty() or (type = 'searchset')": _has_no_search,
    "entry.all(request.exists() = (%resource.type = 'batch' or %resource.type = 'transaction' or "
    "%resource.type = 'history'))": (
        _is_in_entries("request", frozenset({"batch", "transaction", "history"}))
    ),
    "entry.all(response.exists() = (%resource.type = 'batch-response' or %resource.type = "
    "'transaction-response' or %resource.type = 'history'))": (
        _is_in_entries("response", frozenset({"batch-response", "transaction-response", "history"}))
    ),
    "(type = 'history') or entry.where(fullUrl.exists()).select(fullUrl&resource.meta.versionId)"
    ".isDistinct()": _is_each_once,
}
"""The glance for an expression."""
