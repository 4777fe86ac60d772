"""A `_filter` as the predicates that other parameters become.

Source: FHIR R4 §3.1.3, https://hl7.org/fhir/R4/search_filter.html
"""

from collections.abc import Callable, Mapping

from fhir_server.model.dates import instant_range
from fhir_server.model.issues import Refused, because, error
from fhir_server.search.criteria import Criterion
from fhir_server.search.filter_names import element_of, in_element, with_system
from fhir_server.search.filter_syntax import (
    Comparison,
    Filter,
    Logical,
    Negation,
    Operator,
    Step,
    parse_filter_text,
)
from fhir_server.search.filters import chained, predicate_of
from fhir_server.search.folding import PREFIX_LENGTH, fold
from fhir_server.search.parameters import SearchParameter, SearchType
from fhir_server.search.predicates import (
    AllOf,
    AnyOf,
    Comparator,
    HasString,
    HasToken,
    InRange,
    Not,
    Predicate,
    StringMatch,
    Updated,
)
from fhir_server.search.scope import Scope, unknown_parameter
from fhir_server.search.whole_resource import SPECIAL

_ORDERED: frozenset[Operator] = frozenset({"eq", "ne", "gt", "lt", "ge", "le", "ap", "sa", "eb"})
_STRINGS: Mapping[Operator, StringMatch] = {
    "eq": "equals", "ne": "differs", "co": "contains", "sw": "starts", "ew": "ends",
    "gt": "gt", "lt": "lt", "ge": "ge", "le": "le",
}  # fmt: skip
# `ss`: the value subsumes a concept of the resource, which hence is below it; `sb` the other way.
_MODIFIERS: Mapping[Operator, str | None] = {
    "eq": None, "re": None, "in": "in", "ni": "not-in", "ss": "below", "sb": "above",
}  # fmt: skip
_TAKEN: Mapping[SearchType, frozenset[Operator]] = {
    "string": frozenset(_STRINGS),
    "uri": frozenset({"eq", "ne", "co", "sw", "ew"}),
    "token": frozenset({"eq", "ne", "in", "ni", "ss", "sb"}),
    "reference": frozenset({"eq", "ne", "re"}),
    "number": _ORDERED,
    "quantity": _ORDERED,
    "date": _ORDERED | {"po", "co"},
    "composite": frozenset({"eq"}),
    "special": frozenset({"eq"}),
}
_TAKEN_BY_SPECIAL: Mapping[str, frozenset[Operator]] = {
    "_id": frozenset({"eq", "ne"}),
    "_lastUpdated": _ORDERED | {"po"},
    "_content": frozenset({"eq", "co"}),
    "_text": frozenset({"eq", "co"}),
    "_list": frozenset({"eq"}),
    "_type": frozenset({"eq"}),
}


def filter_predicate(scope: Scope, text: str) -> Predicate:
    """What a `_filter` asks for. Errors: Refused(400) with the position of the fault."""
    return _of(scope, parse_filter_text(text))


def _of(scope: Scope, found: Filter) -> Predicate:
    match found:
        case Logical(operator="and", left=left, right=right):
            return AllOf((_of(scope, left), _of(scope, right)))
        case Logical(left=left, right=right):
            return AnyOf((_of(scope, left), _of(scope, right)))
        case Negation(condition=condition):
            return Not(_of(scope, condition))
        case Comparison():
            return _on_path(scope, found.path, found)


def _on_path(scope: Scope, path: tuple[Step, ...], comparison: Comparison) -> Predicate:
    step, rest = path[0], path[1:]
    if rest and (element := element_of(scope, step.name)) is not None:
        return _located(lambda: in_element(scope, element, path, comparison), step.position)
    if not rest:
        return _located(lambda: _compared(scope, step.name, comparison), comparison.position)

    def at_the_end(there: Scope) -> Predicate:
        last = _on_path(there, rest, comparison)
        return last if step.condition is None else AllOf((_of(there, step.condition), last))

    return _located(
        lambda: chained(scope, step.name, None, rest[0].name, at_the_end), step.position
    )


def _located(read: Callable[[], Predicate], position: int) -> Predicate:
    """What `read` gives; its faults are led by their position, innermost first."""
    try:
        return read()
    except Refused as refused:
        if refused.issues[0].id.startswith("search-filter"):
            raise
        at = error("search-filter-fault", "value", position=position + 1)
        raise Refused(refused.status, [at, *refused.issues]) from None


def _compared(scope: Scope, name: str, comparison: Comparison) -> Predicate:
    if name in SPECIAL:
        return _special(scope, name, comparison)
    found = scope.find(name)
    if not found:
        raise unknown_parameter(scope, name)
    if comparison.operator == "pr":
        present = HasToken(tuple(parameter.hash for parameter in found))
        return present if _truth(comparison) else Not(present)
    by_type: dict[SearchType, list[SearchParameter]] = {}
    for parameter in found:
        by_type.setdefault(parameter.type, []).append(parameter)
    choices = []
    for kind, parameters in by_type.items():
        _check_operator(comparison, name, _TAKEN[kind])
        value = with_system(kind, comparison.value)
        criterion = Criterion(name, tuple(parameters), None, (value,), scope.setting)
        choices.append(_of_type(scope, kind, criterion, comparison))
    return choices[0] if len(choices) == 1 else AnyOf(tuple(choices))


def _of_type(
    scope: Scope, kind: SearchType, criterion: Criterion, comparison: Comparison
) -> Predicate:
    operator, value = comparison.operator, criterion.values[0]
    if kind == "string" or (kind == "uri" and operator != "eq"):
        return _string(criterion, value if kind == "uri" else fold(value), _STRINGS[operator])
    if operator in {"po", "co"}:
        low, high = _covered(criterion, value)
        comparator: Comparator = "ap" if operator == "po" else "co"
        return InRange("date", criterion.hashes, comparator, low, high, 0, criterion.is_single)
    if kind in {"date", "number", "quantity"}:
        prefix = "" if operator == "eq" else operator
        return predicate_of(scope, kind, criterion.asking(None, prefix + value))
    if operator == "ne":
        # By hashes it cannot be told which other values there are: there is one, and none is equal.
        equal = predicate_of(scope, kind, criterion)
        return AllOf((HasToken(criterion.hashes), Not(equal)))
    return predicate_of(scope, kind, criterion.asking(_MODIFIERS[operator], value))


def _string(criterion: Criterion, value: str, match: StringMatch) -> HasString:
    if not value:
        raise criterion.bad_value(value, "string")
    if len(value) > PREFIX_LENGTH:
        raise criterion.bad_value(value, "too-long")
    rest = criterion.hashes_of("rest") if match == "contains" else ()
    return HasString((*criterion.hashes, *rest), value, match)


def _special(scope: Scope, name: str, comparison: Comparison) -> Predicate:
    operator, value = comparison.operator, comparison.value
    _check_operator(comparison, name, _TAKEN_BY_SPECIAL.get(name, frozenset()))
    if operator == "po":
        parameters = scope.parameters.across(scope.types, name)
        low, high = _covered(Criterion(name, parameters, None, (value,), scope.setting), value)
        return Updated("ap", low, high)
    if name == "_lastUpdated" and operator != "eq":
        value = operator + value
    found = SPECIAL[name](scope, name, None, value)
    return Not(found) if operator == "ne" and name == "_id" else found


def _covered(criterion: Criterion, value: str) -> tuple[int, int]:
    try:
        covered = instant_range(value, criterion.setting.zone)
    except ValueError:
        raise criterion.bad_value(value, "date") from None
    return covered.low, covered.high


def _truth(comparison: Comparison) -> bool:
    if comparison.value not in {"true", "false"}:
        issue = error("search-value-boolean", "value", parameter="pr", value=comparison.value[:200])
        raise Refused(400, [issue])
    return comparison.value == "true"


def _check_operator(comparison: Comparison, name: str, taken: frozenset[Operator]) -> None:
    if comparison.operator not in taken:
        issue = error("search-filter-operator", "not-supported", operator=comparison.operator,
                      parameter=name, position=comparison.position + 1,
                      allowed=", ".join(sorted(taken)) or because("because-none"))  # fmt: skip
        raise Refused(400, [issue])
