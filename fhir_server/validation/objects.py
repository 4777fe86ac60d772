"""Objects on the fast path: their members, what they must have, what holds of the whole."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from fhir_server.validation.check import MISSHAPEN, holds
from fhir_server.validation.doubts import (
    WHOLE,
    MemberDoubts,
    MemberScan,
    ObjectDoubts,
    ObjectScan,
    whole,
)
from fhir_server.validation.element import Element
from fhir_server.validation.rule import Rule
from fhir_server.validation.rules.cardinality import Lacks
from fhir_server.validation.rules.structure import left_to_own_type
from fhir_server.validation.scope import Scope

ObjectCheck = Callable[[dict[str, Any], Scope, Element], bool]


class Members(dict[str, MemberScan | None]):
    """The members of an object by JSON key, each compiled when its key is first met: most resources use
    few of the elements and types that they could.
    """

    def __init__(self, compile_member: Callable[[str], MemberScan | None]) -> None:
        super().__init__()
        self._compile = compile_member

    def __missing__(self, key: str) -> MemberScan | None:
        member = self._compile(key)
        if member is not None and member is not left_to_own_type:
            # What an object may not have is asked again: clients can send any number of keys.
            self[key] = member
        return member


@dataclass(frozen=True, slots=True)
class ObjectRules:
    """What is asked of the objects that an element describes: their members, by JSON key; what must be there
    and what is asked of all values of an element, each with the element; the invariants of the whole, each
    with the element that states it.
    """

    content: Element
    type_code: str
    members: Members
    required: Sequence[tuple[Element, Lacks]]
    sliced: Sequence[tuple[Element, ObjectCheck]]
    invariants: Sequence[tuple[Element, Rule]]


def compile_object(asked: ObjectRules) -> ObjectScan:
    """The scan of an object."""
    members, keeps = asked.members, _compile_whole(asked)
    content, type_code = asked.content, asked.type_code
    everything = whole(content, type_code)

    def scan(value: Any, scope: Scope, place: Element) -> ObjectDoubts | None:
        if type(value) is not dict or not value or (len(value) == 1 and "id" in value):
            return everything
        doubts: list[tuple[str, MemberDoubts]] = []
        for key, inner in value.items():
            member = members[key]
            try:
                found = WHOLE if member is None else member(inner, value, scope, place)
            except MISSHAPEN:
                found = WHOLE
            if found is not None:
                doubts.append((key, found))
        if not keeps(value, scope, place):
            return _noted(asked, doubts, value, scope, place)
        return ObjectDoubts(content, type_code, doubts, (), ()) if doubts else None

    return scan


def _compile_whole(asked: ObjectRules) -> ObjectCheck:
    """Whether an object has what it must have, and keeps what is asked of the whole."""
    required = tuple(lacks for _, lacks in asked.required)
    checks = tuple(check for _, check in asked.sliced) + tuple(
        rule.check for _, rule in asked.invariants if rule.check is not None
    )

    def keeps(value: dict[str, Any], scope: Scope, place: Element) -> bool:
        try:
            for lacks in required:
                if lacks(value):
                    return False
            for check in checks:
                if not check(value, scope, place):
                    return False
        except MISSHAPEN:
            return False
        return True

    return keeps


def _noted(
    asked: ObjectRules,
    members: Sequence[tuple[str, MemberDoubts]],
    value: dict[str, Any],
    scope: Scope,
    place: Element,
) -> ObjectDoubts:
    """The doubts about an object that lacks something, or does not keep a rule of the whole."""
    elements = [element for element, lacks in asked.required if not holds(_has, lacks, value)]
    elements += [
        element for element, check in asked.sliced if not holds(check, value, scope, place)
    ]
    invariants = [
        (element, rule)
        for element, rule in asked.invariants
        if rule.check is not None and not holds(rule.check, value, scope, place)
    ]
    return ObjectDoubts(asked.content, asked.type_code, members, elements, invariants)


def _has(lacks: Lacks, value: dict[str, Any]) -> bool:
    return not lacks(value)
