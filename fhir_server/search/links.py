"""What stands at the other end of references: of plain ones, of those to contained resources, of canonicals.

Source: FHIR R4 §3.1.1.4.15 (chains), §3.1.1.4.16 (reverse chains), §3.1.1.5.5 (“a chained condition will be
evaluated inside contained resources”)
"""

from collections.abc import Sequence

from fhir_server.search.contained import inside_condition
from fhir_server.search.parameters import SearchParameter, SearchParameters
from fhir_server.search.predicates import (
    AnyOf,
    ByCanonical,
    Chained,
    ChainedInside,
    Predicate,
    ReferredTo,
)
from fhir_server.search.types.reference import CANONICAL, INSIDE


def leading_to(
    parameters: SearchParameters,
    found: Sequence[SearchParameter],
    targets: Sequence[str],
    condition: Predicate,
) -> Predicate:
    """A reference by one of the parameters leads to a resource of the targets that meets the condition."""
    numbers = tuple(parameter.hash for parameter in found)
    canonical = tuple(one.hash for one in found if parameters.holds_canonicals(one))
    inside = inside_condition(condition)
    choices: list[Predicate] = []
    if canonical != numbers:
        choices.append(Chained(numbers, condition))
    if inside is not None:
        choices.append(ChainedInside(tuple(one.hash_of(INSIDE) for one in found), inside))
    if canonical:
        urls = _urls_of(parameters, targets)
        marks = tuple(one.hash_of("below") for one in urls)
        choices.append(ByCanonical(canonical, tuple(one.hash for one in urls), marks, condition))
    return choices[0] if len(choices) == 1 else AnyOf(tuple(choices))


def referred_from(
    parameters: SearchParameters,
    parameter: SearchParameter,
    types: Sequence[str],
    condition: Predicate,
) -> Predicate:
    """A resource that meets the condition refers by the parameter to the one searched, of these types."""
    referred = ReferredTo((parameter.hash,), condition)
    if not parameters.holds_canonicals(parameter):
        return referred
    # Seen from the other end, a URL is to its canonicals what these are to it.
    own = tuple(one.hash for one in _urls_of(parameters, types))
    marks = (parameter.hash_of(CANONICAL),)
    return AnyOf((referred, ByCanonical(own, (parameter.hash,), marks, condition)))


def _urls_of(parameters: SearchParameters, types: Sequence[str]) -> tuple[SearchParameter, ...]:
    """The parameters of the URLs that resources of the types give themselves."""
    each = (parameters.find(one, "url") for one in types)
    return tuple(one for one in each if one is not None and one.type == "uri")
