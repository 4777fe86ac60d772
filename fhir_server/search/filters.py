"""One filtering parameter of a request → a predicate: modifiers, chains, `_has`, and those of every type.

Source: FHIR R4 §3.1.1.4.3 (modifiers), §3.1.1.4.15 (chained), §3.1.1.4.16 (reverse chaining)
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from functools import partial

from fhir_server.model.issues import Refused, because, refuse
from fhir_server.model.references import VALID_ID
from fhir_server.search.criteria import Criterion, Setting
from fhir_server.search.full_text import text_query
from fhir_server.search.links import leading_to, referred_from
from fhir_server.search.parameters import UNINDEXED, SearchParameter, SearchParameters, SearchType
from fhir_server.search.predicates import (
    AllOf,
    AnyOf,
    HasToken,
    HasWords,
    KeyIn,
    Listed,
    Not,
    Predicate,
    TypeIn,
)
from fhir_server.search.types import (
    composite,
    date,
    hierarchy,
    near,
    number,
    quantity,
    reference,
    string,
    token,
    uri,
    versioned_url,
)
from fhir_server.search.values import split_escaped, unescape
from fhir_server.store.keys import parameter_hash, resource_key
from fhir_server.store.resource_types import TYPE_NUMBERS

MAX_DEPTH = 8
"""How many references a chain may follow."""

MAX_VALUES = 10_000
"""How many alternatives a parameter may have whose values are looked up by their hashes, all at once."""
MAX_RANGES = 500
"""How many alternatives any other parameter may have: each is a look-up of its own."""

UNSUPPORTED = UNINDEXED
_HASHED: frozenset[SearchType] = frozenset({"token", "reference", "uri"})

_PREDICATES: Mapping[SearchType, Callable[[Criterion], Predicate]] = {
    "token": token.predicate,
    "string": string.predicate,
    "date": date.predicate,
    "number": number.predicate,
    "quantity": quantity.predicate,
    "reference": reference.predicate,
    "uri": uri.predicate,
    "special": near.predicate,
}


@dataclass(frozen=True, slots=True)
class Scope:
    """Where a parameter stands: the types searched, how deep in a chain.

    Shape: `is_chained` where the types are what a reference may lead to: a type that does not have the
    parameter is passed over, while a search over several types needs it on each; `used` the parameters
    that the whole request asks for so far.
    """

    parameters: SearchParameters
    setting: Setting
    types: tuple[str, ...]
    is_chained: bool = False
    depth: int = 0
    used: list[SearchParameter] = field(default_factory=list, compare=False)

    def find(self, code: str) -> tuple[SearchParameter, ...]:
        """The parameters of a code, noted as used; empty where it is unknown here."""
        if self.is_chained:
            each = (self.parameters.find(one, code) for one in self.types)
            found = tuple(parameter for parameter in each if parameter is not None)
        else:
            found = self.parameters.across(self.types, code)
        self.used.extend(found)
        return found

    def at(self, types: tuple[str, ...]) -> "Scope":
        """The scope at the other end of a reference."""
        return replace(self, types=types, is_chained=True, depth=self.depth + 1)


def parse_filter(scope: Scope, name: str, value: str) -> Predicate:
    """The predicate of one parameter. Errors: Refused(400)."""
    if scope.depth > MAX_DEPTH:
        raise refuse(400, "search-chain-too-deep", "too-costly", limit=MAX_DEPTH)
    if name.startswith("_has:"):
        return _reverse_chain(scope, name, value)
    head, dot, rest = name.partition(".")
    if dot:
        return _chain(scope, head, rest, value)
    code, colon, modifier = name.partition(":")
    special = SPECIAL.get(code)
    if special is not None:
        return special(scope, name, modifier if colon else None, value)
    return _by_definition(scope, name, code, modifier if colon else None, value)


def _by_definition(
    scope: Scope, name: str, code: str, modifier: str | None, value: str
) -> Predicate:
    found = scope.find(code)
    if not found:
        raise unknown_parameter(scope, code)
    if modifier == "missing" and all(parameter.type != "composite" for parameter in found):
        is_missing = _truth(name, value)
        present = HasToken(tuple(parameter.hash for parameter in found))
        return Not(present) if is_missing else present
    by_type: dict[SearchType, list[SearchParameter]] = {}
    for parameter in found:
        by_type.setdefault(parameter.type, []).append(parameter)
    limit = MAX_VALUES if by_type.keys() <= _HASHED and modifier != "text" else MAX_RANGES
    values = tuple(_values(name, value, limit))
    if modifier is None and code == "url" and any("|" in one for one in values):
        asked = Criterion(name, found, None, values, scope.setting)
        return versioned_url.predicate(asked, scope.parameters)
    choices = []
    for kind, parameters in by_type.items():
        criterion = Criterion(name, tuple(parameters), modifier, values, scope.setting)
        choices.append(predicate_of(scope, kind, criterion))
    return choices[0] if len(choices) == 1 else AnyOf(tuple(choices))


def predicate_of(scope: Scope, kind: SearchType, criterion: Criterion) -> Predicate:
    """What a criterion of parameters of one type of search asks for. Errors: Refused(400)."""
    read = _PREDICATES.get(kind)
    if kind == "reference" and criterion.modifier in hierarchy.MODIFIERS:
        return hierarchy.predicate(criterion, scope.parameters)
    if read is not None:
        return read(criterion)
    if kind == "composite":
        return composite.predicate(criterion, _PREDICATES, partial(_sibling, scope))
    raise criterion.unsupported()


def _sibling(scope: Scope, parameter: SearchParameter, code: str) -> SearchParameter | None:
    return scope.parameters.find(parameter.resource_type, code)


def unknown_parameter(scope: Scope, code: str) -> Refused:
    """The refusal of a parameter that the types do not have; names those with a similar name."""
    if code == "_query":
        return refuse(400, "search-query-unsupported", "not-supported")
    if code in UNSUPPORTED:
        return refuse(400, "search-parameter-unsupported", "not-supported", parameter=code)
    having = [one for one in scope.types if code in scope.parameters.of(one)]
    if having:
        without = [one for one in scope.types if one not in having]
        return refuse(
            400, "search-parameter-not-common", "not-supported",
            parameter=code, without=_first(without), having=", ".join(having[:5]),
        )  # fmt: skip
    known = sorted({name for one in scope.types[:20] for name in scope.parameters.of(one)})
    near = get_close_matches(code, known, n=3) or known
    return refuse(
        400,
        "search-parameter-unknown",
        "not-supported",
        parameter=code,
        type=_first(scope.types),
        near=", ".join(near),
    )


def _first(types: Sequence[str]) -> str:
    return ", ".join([*types[:3], *(["…"] if len(types) > 3 else [])])


def _chain(scope: Scope, head: str, rest: str, value: str) -> Predicate:
    code, _, narrowed = head.partition(":")
    return chained(
        scope, code, narrowed or None, rest, lambda there: parse_filter(there, rest, value)
    )


def chained(
    scope: Scope,
    code: str,
    narrowed: str | None,
    rest: str,
    condition_at: Callable[[Scope], Predicate],
) -> Predicate:
    """The condition at the other end of a reference, to the type `narrowed` where one is named.

    Shape: `rest` begins with the parameter that the types at the other end must have.
    Errors: Refused(400).
    """
    found = scope.find(code)
    if not found:
        raise unknown_parameter(scope, code)
    if any(parameter.type != "reference" for parameter in found):
        raise refuse(400, "search-chain-no-reference", "invalid", parameter=code)
    if narrowed and narrowed not in TYPE_NUMBERS:
        raise unknown_type(narrowed)
    if narrowed:
        _check_leads_to((narrowed,), code, found)
    targets = (narrowed,) if narrowed else _targets_with(scope, found, rest)
    there = scope.at(targets)
    if there.depth > MAX_DEPTH:
        raise refuse(400, "search-chain-too-deep", "too-costly", limit=MAX_DEPTH)
    condition = _of_types(targets, condition_at(there))
    return leading_to(scope.parameters, found, targets, condition)


def _targets_with(scope: Scope, found: Sequence[SearchParameter], rest: str) -> tuple[str, ...]:
    """The types that the references may lead to and that have the next parameter of the chain."""
    targets = tuple(dict.fromkeys(t for p in found for t in reference.targets_of(p)))
    code = rest.partition(".")[0].partition(":")[0]
    if code in SPECIAL or code == "_has":
        return targets
    return tuple(t for t in targets if scope.parameters.find(t, code) is not None) or targets


def _check_leads_to(types: Sequence[str], code: str, found: Sequence[SearchParameter]) -> None:
    """Errors: Refused(400) where the references lead to none of the types: nothing could ever match."""
    targets = sorted({target for parameter in found for target in reference.targets_of(parameter)})
    if not set(types) & set(targets):
        raise refuse(
            400, "search-type-no-target", "invalid",
            parameter=code, type=_first(types), allowed=", ".join(targets),
        )  # fmt: skip


def _reverse_chain(scope: Scope, name: str, value: str) -> Predicate:
    parts = name.split(":", 3)
    if len(parts) != 4 or not all(parts):
        raise refuse(400, "search-has-malformed", "value", parameter=name)
    _, source, code, rest = parts
    if source not in TYPE_NUMBERS:
        raise unknown_type(source)
    there = scope.at((source,))
    found = there.find(code)
    if not found:
        raise unknown_parameter(there, code)
    parameter = found[0]
    if parameter.type != "reference":
        raise refuse(400, "search-chain-no-reference", "invalid", parameter=code)
    _check_leads_to(scope.types, code, found[:1])
    condition = _of_types((source,), parse_filter(there, rest, value))
    return referred_from(scope.parameters, parameter, scope.types, condition)


def _of_types(types: tuple[str, ...], condition: Predicate) -> AllOf:
    numbers = tuple(TYPE_NUMBERS[name] for name in types)
    if len(numbers) == len(TYPE_NUMBERS):
        return AllOf((condition,))
    return AllOf((TypeIn(numbers), condition))


def _id(scope: Scope, name: str, modifier: str | None, value: str) -> Predicate:
    if modifier == "missing":
        return _never_missing(name, value)
    if modifier not in {None, "not"}:
        raise _no_modifier(name, modifier, "missing", "not")
    keys: list[int] = []
    for one in _values(name, value):
        if VALID_ID.fullmatch(one) is None:
            raise refuse(400, "search-value-id", "value", parameter=name, value=one[:200])
        keys.extend(resource_key(resource_type, one) for resource_type in scope.types)
    found = KeyIn(tuple(keys))
    return Not(found) if modifier == "not" else found


def _never_missing(name: str, value: str) -> Predicate:
    """`:missing` of what every stored resource has."""
    return AnyOf(()) if _truth(name, value) else AllOf(())


def _last_updated(scope: Scope, name: str, modifier: str | None, value: str) -> Predicate:
    parameters = scope.parameters.across(scope.types, "_lastUpdated")
    if modifier == "missing":
        return _never_missing(name, value)
    if modifier is not None:
        raise _no_modifier(name, modifier, "missing")
    values = tuple(_values(name, value, MAX_RANGES))
    return date.predicate(Criterion(name, parameters, None, values, scope.setting))


def _type(_: Scope, name: str, modifier: str | None, value: str) -> Predicate:
    if modifier is not None:
        raise _no_modifier(name, modifier)
    return TypeIn(tuple(TYPE_NUMBERS[one] for one in parse_types(name, value)))


def _list(_: Scope, name: str, modifier: str | None, value: str) -> Predicate:
    if modifier is not None:
        raise _no_modifier(name, modifier)
    choices = []
    for one in _values(name, value, MAX_RANGES):
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
    for one in _values(name, value, MAX_RANGES):
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


def parse_types(name: str, value: str) -> tuple[str, ...]:
    """The resource types of a list. Errors: Refused(400)."""
    types = tuple(dict.fromkeys(_values(name, value)))
    for one in types:
        if one not in TYPE_NUMBERS:
            raise unknown_type(one)
    return types


def unknown_type(name: str) -> Refused:
    """The refusal of a resource type that R4 does not have."""
    near = get_close_matches(name, TYPE_NUMBERS, n=3)
    return refuse(
        400,
        "search-type-unknown",
        "not-supported",
        type=name[:100],
        near=", ".join(near) or "Patient",
    )


def _no_modifier(name: str, modifier: str | None, *allowed: str) -> Refused:
    return refuse(
        400,
        "search-modifier-unknown",
        "not-supported",
        parameter=name,
        modifier=modifier,
        allowed=", ".join(":" + one for one in allowed) or because("because-none"),
    )


def _values(name: str, value: str, limit: int = MAX_VALUES) -> list[str]:
    values = split_escaped(value, ",")
    if not all(values):
        raise refuse(400, "search-value-empty", "value", parameter=name)
    if len(values) > limit:
        raise refuse(400, "search-too-many-values", "too-costly", parameter=name, limit=limit)
    return values


def _truth(name: str, value: str) -> bool:
    if value not in {"true", "false"}:
        raise refuse(400, "search-value-boolean", "value", parameter=name, value=value[:200])
    return value == "true"
