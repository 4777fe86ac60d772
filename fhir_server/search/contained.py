"""`_contained` and `_containedType`: searches that meet resources inside of others.

The predicates are those of stored resources, asked of the rows that contained resources have under numbers
of their own. `_containedType=container`, which holds without it, makes of them one predicate on the
container; `contained` gives the contained resources themselves, in the order of their keys.

Source: FHIR R4 §3.1.1.5.5, https://hl7.org/fhir/R4/search.html#contained
"""

from typing import Literal

from fhir_server.model.issues import refuse
from fhir_server.search.predicates import (
    AllOf,
    AnyOf,
    Chained,
    HasString,
    HasToken,
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
        case InRange():
            return _renumbered(predicate)
        case HasString(parameters=parameters, value=value, match=kind):
            return HasString(_numbers(parameters), value, kind)
        case Chained(parameters=parameters, target=target):
            return Chained(_numbers(parameters), target)
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


def _numbers(parameters: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(number ^ CONTAINED for number in parameters)


def _renumbered(asked: InRange) -> InRange:
    return InRange(
        asked.table, _numbers(asked.parameters), asked.comparator, asked.low, asked.high,
        asked.unit, asked.is_single,
    )  # fmt: skip
