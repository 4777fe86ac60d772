"""Parameters that search a resource as a whole, by no definition's expression: its id, its last change, its
type, its words, lists that name it, and filters.

Source: FHIR R4 §3.1.1.4.1, https://hl7.org/fhir/R4/search.html#all
"""

from collections.abc import Callable, Mapping

from fhir_server.model.issues import Refused, because, refuse
from fhir_server.model.references import VALID_ID
from fhir_server.search.criteria import Criterion
from fhir_server.search.full_text import text_query
from fhir_server.search.parameters import UNINDEXED
from fhir_server.search.predicates import (
    AllOf,
    AnyOf,
    HasWords,
    KeyIn,
    Listed,
    Not,
    Predicate,
    TypeIn,
)
from fhir_server.search.scope import Scope, parse_types
from fhir_server.search.types import date
from fhir_server.search.values import MAX_RANGES, alternatives, truth, unescape
from fhir_server.store.keys import parameter_hash, resource_key
from fhir_server.store.resource_types import TYPE_NUMBERS


def _id(scope: Scope, name: str, modifier: str | None, value: str) -> Predicate:
    if modifier == "missing":
        return _never_missing(name, value)
    if modifier not in {None, "not"}:
        raise _no_modifier(name, modifier, "missing", "not")
    keys: list[int] = []
    for one in alternatives(name, value):
        if VALID_ID.fullmatch(one) is None:
            raise refuse(400, "search-value-id", "value", parameter=name, value=one[:200])
        keys.extend(resource_key(resource_type, one) for resource_type in scope.types)
    found = KeyIn(tuple(keys))
    return Not(found) if modifier == "not" else found


def _never_missing(name: str, value: str) -> Predicate:
    """`:missing` of what every stored resource has."""
    return AnyOf(()) if truth(name, value) else AllOf(())


def _last_updated(scope: Scope, name: str, modifier: str | None, value: str) -> Predicate:
    parameters = scope.parameters.across(scope.types, "_lastUpdated")
    if modifier == "missing":
        return _never_missing(name, value)
    if modifier is not None:
        raise _no_modifier(name, modifier, "missing")
    values = tuple(alternatives(name, value, MAX_RANGES))
    return date.predicate(Criterion(name, parameters, None, values, scope.setting))


def _type(_: Scope, name: str, modifier: str | None, value: str) -> Predicate:
    if modifier is not None:
        raise _no_modifier(name, modifier)
    return TypeIn(tuple(TYPE_NUMBERS[one] for one in parse_types(name, value)))


def _list(_: Scope, name: str, modifier: str | None, value: str) -> Predicate:
    if modifier is not None:
        raise _no_modifier(name, modifier)
    choices = []
    for one in alternatives(name, value, MAX_RANGES):
        list_id = one.removeprefix("List/")
        if VALID_ID.fullmatch(list_id) is None:
            raise refuse(400, "search-value-id", "value", parameter=name, value=one[:200])
        choices.append(Listed(resource_key("List", list_id), parameter_hash("List", "item")))
    return choices[0] if len(choices) == 1 else AnyOf(tuple(choices))


def _words(scope: Scope, name: str, modifier: str | None, value: str) -> Predicate:
    if not scope.parameters.full_text:
        raise refuse(400, "search-full-text-off", "not-supported", parameter=name)
    if modifier is not None:
        raise _no_modifier(name, modifier)
    queries = []
    for one in alternatives(name, value, MAX_RANGES):
        query = text_query(unescape(one), narrative=name == "_text")
        if query is None:
            raise refuse(400, "search-value-string", "value", parameter=name)
        queries.append(query)
    return HasWords(" | ".join(queries))


def _filter(scope: Scope, name: str, modifier: str | None, value: str) -> Predicate:
    from fhir_server.search.filter_predicates import filter_predicate

    if modifier is not None:
        raise _no_modifier(name, modifier)
    return filter_predicate(scope, value)


SPECIAL: Mapping[str, Callable[[Scope, str, str | None, str], Predicate]] = {
    "_id": _id,
    "_lastUpdated": _last_updated,
    "_type": _type,
    "_list": _list,
    "_text": _words,
    "_content": _words,
    "_filter": _filter,
}


FULL_TEXT = frozenset({"_text", "_content"})
WHOLE_RESOURCE = UNINDEXED & SPECIAL.keys()
"""Codes of the parameters that search a resource as a whole, by no expression."""


def _no_modifier(name: str, modifier: str | None, *allowed: str) -> Refused:
    return refuse(
        400,
        "search-modifier-unknown",
        "not-supported",
        parameter=name,
        modifier=modifier,
        allowed=", ".join(":" + one for one in allowed) or because("because-none"),
    )
