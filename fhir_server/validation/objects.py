"""Objects on the fast path: their members, what they must have, what holds of the whole.

One description serves two questions. Is all of it right (`compile_object`)? And if not, which of its members
must the detailed path look at (`ObjectRules.doubts`)?
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from fhir_server.validation.check import MISSHAPEN, Check, Member, all_of
from fhir_server.validation.element import Element
from fhir_server.validation.rules.cardinality import Present
from fhir_server.validation.rules.structure import left_to_own_type
from fhir_server.validation.scope import Scope

ObjectRule = Callable[[dict[str, Any], Scope, Element], bool]


class Members(dict[str, Member | None]):
    """The members of an object by JSON key, each compiled when its key is first met: most resources use
    few of the elements and types that they could.
    """

    def __init__(self, compile_member: Callable[[str], Member | None]) -> None:
        super().__init__()
        self._compile = compile_member

    def __missing__(self, key: str) -> Member | None:
        member = self._compile(key)
        if member is not None and member is not left_to_own_type:
            # What an object may not have is asked again: clients can send any number of keys.
            self[key] = member
        return member


class Doubts(NamedTuple):
    """What the fast path does not pass of an object: members by their JSON keys, elements that it asks
    for or slices, and whether an invariant of the whole is among it.
    """

    keys: Collection[str]
    elements: Collection[Element]
    invariants: bool


@dataclass(frozen=True, slots=True)
class ObjectRules:
    """All that the fast path knows of an object: its members, by JSON key; what must be there and what is
    asked of all values of an element, each with the element; its invariants.
    """

    members: Mapping[str, Member | None]
    required: Sequence[tuple[Element, Present]]
    rules: Sequence[tuple[Element, ObjectRule]]
    invariants: Sequence[Check]

    def doubts(self, value: dict[str, Any], scope: Scope, place: Element) -> Doubts:
        """What of an object the fast path does not pass; all else is without fault."""
        members = self.members
        keys: list[str] = []
        for key, inner in value.items():
            member = members[key]
            try:
                if member is None or not member(inner, value, scope, place):
                    keys.append(key)
            except MISSHAPEN:
                keys.append(key)
        elements = [element for element, present in self.required if not holds(present, value)]
        elements += [
            element for element, rule in self.rules if not holds(rule, value, scope, place)
        ]
        for check in self.invariants:
            if not holds(check, value, scope, place):
                return Doubts(keys, elements, invariants=True)
        return Doubts(keys, elements, invariants=False)


def holds(check: Callable[..., bool], *arguments: Any) -> bool:
    """Whether a check passes; one that meets JSON of another shape does not."""
    try:
        return check(*arguments)
    except MISSHAPEN:
        return False


def compile_object(described: ObjectRules) -> Check:
    """The fast check of an object: whether there are no doubts."""
    members = described.members
    required = tuple(present for _, present in described.required)
    rules = tuple(rule for _, rule in described.rules)
    invariant = all_of(described.invariants) if described.invariants else None

    def check(value: Any, scope: Scope, place: Element) -> bool:
        if type(value) is not dict or not value or (len(value) == 1 and "id" in value):
            return False
        for key, inner in value.items():
            member = members[key]
            if member is None or not member(inner, value, scope, place):
                return False
        for present in required:
            if not present(value):
                return False
        for rule in rules:
            if not rule(value, scope, place):
                return False
        return invariant is None or invariant(value, scope, place)

    return check
