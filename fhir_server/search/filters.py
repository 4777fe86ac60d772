"""One filtering parameter of a request → a predicate: modifiers, chains, `_has`, and those of every type.

Source: FHIR R4 §3.1.1.4.3 (modifiers), §3.1.1.4.15 (chained), §3.1.1.4.16 (reverse chaining)
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from fhir_server.model.issues import refuse
from fhir_server.search.criteria import Criterion
from fhir_server.search.links import leading_to, referred_from
from fhir_server.search.parameters import SearchParameter, SearchType
from fhir_server.search.predicates import (
    AllOf,
    AnyOf,
    HasToken,
    Not,
    Predicate,
    TypeIn,
)
from fhir_server.search.scope import Scope, first_of, unknown_parameter, unknown_type
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
from fhir_server.search.values import MAX_RANGES, MAX_VALUES, alternatives, truth
from fhir_server.search.whole_resource import SPECIAL
from fhir_server.store.resource_types import TYPE_NUMBERS

MAX_DEPTH = 8
"""How many references a chain may follow."""

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
        is_missing = truth(name, value)
        present = HasToken(tuple(parameter.hash for parameter in found))
        return Not(present) if is_missing else present
    by_type: dict[SearchType, list[SearchParameter]] = {}
    for parameter in found:
        by_type.setdefault(parameter.type, []).append(parameter)
    limit = MAX_VALUES if by_type.keys() <= _HASHED and modifier != "text" else MAX_RANGES
    values = tuple(alternatives(name, value, limit))
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
            parameter=code, type=first_of(types), allowed=", ".join(targets),
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
