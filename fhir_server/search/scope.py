"""Where a parameter of a search stands, and the refusals of names that are not known there."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches

from fhir_server.model.issues import Refused, refuse
from fhir_server.search.criteria import Setting
from fhir_server.search.parameters import UNINDEXED, SearchParameter, SearchParameters
from fhir_server.search.values import alternatives
from fhir_server.store.resource_types import TYPE_NUMBERS


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


def unknown_parameter(scope: Scope, code: str) -> Refused:
    """The refusal of a parameter that the types do not have; names those with a similar name."""
    if code == "_query":
        return refuse(400, "search-query-unsupported", "not-supported")
    if code in UNINDEXED:
        return refuse(400, "search-parameter-unsupported", "not-supported", parameter=code)
    having = [one for one in scope.types if code in scope.parameters.of(one)]
    if having:
        without = [one for one in scope.types if one not in having]
        return refuse(
            400, "search-parameter-not-common", "not-supported",
            parameter=code, without=first_of(without), having=", ".join(having[:5]),
        )  # fmt: skip
    known = sorted({name for one in scope.types[:20] for name in scope.parameters.of(one)})
    near = get_close_matches(code, known, n=3) or known
    return refuse(
        400,
        "search-parameter-unknown",
        "not-supported",
        parameter=code,
        type=first_of(scope.types),
        near=", ".join(near),
    )


def first_of(types: Sequence[str]) -> str:
    """Some of the types, for messages."""
    return ", ".join([*types[:3], *(["…"] if len(types) > 3 else [])])


def parse_types(name: str, value: str) -> tuple[str, ...]:
    """The resource types of a list. Errors: Refused(400)."""
    types = tuple(dict.fromkeys(alternatives(name, value)))
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
