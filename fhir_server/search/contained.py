"""`_contained` and `_containedType`: searches that meet resources inside of others.

The predicates are those of stored resources, asked of the rows that contained resources have under numbers
of their own. `_containedType=container`, which holds without it, makes of them one predicate on the
container; `contained` gives the contained resources themselves, in the order of their keys.

Source: FHIR R4 §3.1.1.5.5, https://hl7.org/fhir/R4/search.html#contained
"""

from dataclasses import replace
from typing import Literal

from fhir_server.model.issues import Refused, refuse
from fhir_server.search.predicates import (
    AllOf,
    AnyOf,
    Chained,
    ChainedInside,
    HasString,
    HasToken,
    InElement,
    InHierarchy,
    InRange,
    KeyIn,
    Near,
    Not,
    Predicate,
    TypeIn,
    Updated,
)
from fhir_server.store.keys import CONTAINED

Contained = Literal["false", "true", "both"]
ContainedType = Literal["container", "contained"]


def of_contained(predicate: Predicate) -> Predicate:
    """The same condition on contained resources. Errors: Refused 400 for what is not asked of them: words,
    lists, and who refers to them.
    """
    match predicate:
        case HasToken(any_of=tokens):
            return HasToken(_numbers(tokens))
        case KeyIn(keys=keys):
            return HasToken(_numbers(keys))
        case InRange() | HasString() | Chained() | ChainedInside() | InHierarchy():
            return replace(predicate, parameters=_numbers(predicate.parameters))
        case InElement(parts=parts):
            return InElement(
                tuple(replace(part, parameters=_numbers(part.parameters)) for part in parts)
            )
        case Near():
            return Near(
                _numbers(predicate.latitudes), _numbers(predicate.longitudes),
                predicate.latitude, predicate.longitude, predicate.distance_km,
            )  # fmt: skip
        case AllOf(predicates=parts) | AnyOf(predicates=parts):
            return type(predicate)(tuple(of_contained(part) for part in parts))
        case Not(predicate=inner):
            return Not(of_contained(inner))
        case TypeIn() | Updated():
            return predicate
        case _:
            raise refuse(400, "search-contained-condition", "not-supported")


def inside_condition(predicate: Predicate) -> Predicate | None:
    """The condition on contained resources that a chain may end at; None where none can meet it: what only
    stored resources are asked for, and an id, which inside of a resource is another thing.
    """
    if _asks_for_id(predicate):
        return None
    try:
        return of_contained(predicate)
    except Refused:
        return None


def _asks_for_id(predicate: Predicate) -> bool:
    match predicate:
        case KeyIn():
            return True
        case AllOf(predicates=parts) | AnyOf(predicates=parts):
            return any(_asks_for_id(part) for part in parts)
        case Not(predicate=inner):
            return _asks_for_id(inner)
    return False


def _numbers(parameters: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(number ^ CONTAINED for number in parameters)
