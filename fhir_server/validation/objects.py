"""Objects on the fast path: their members, what they must have, what holds of the whole."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from fhir_server.validation.check import MISSHAPEN, all_of, holds
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
from fhir_server.validation.rules.structure import left_to_detail, left_to_own_type
from fhir_server.validation.scope import Scope

ObjectCheck = Callable[[dict[str, Any], Scope, Element], bool]


class Members(dict[str, MemberScan]):
    """The members of an object by JSON key, each compiled when its key is first met: most resources use
    few of the elements and types that they could.
    """

    def __init__(self, compile_member: Callable[[str], MemberScan | None]) -> None:
        super().__init__()
        self._compile = compile_member

    def __missing__(self, key: str) -> MemberScan:
        member = self._compile(key)
        if member is None:
            return left_to_detail
        if member is not left_to_own_type:
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
        doubts: list[tuple[str, MemberDoubts]] | None = None
        for key, inner in value.items():
            try:
                found = members[key](inner, value, scope, place)
            except MISSHAPEN:
                found = WHOLE
            if found is not None:
                if doubts is None:
                    doubts = []
                doubts.append((key, found))
        if keeps is not None:
            try:
                is_kept = keeps(value, scope, place)
            except MISSHAPEN:
                is_kept = False
            if not is_kept:
                return _noted(asked, doubts or (), value, scope, place)
        return None if doubts is None else ObjectDoubts(content, type_code, doubts, (), ())

    return scan


def _compile_whole(asked: ObjectRules) -> ObjectCheck | None:
    """Whether an object has what it must have, and keeps what is asked of the whole; None where nothing is
    asked.
    """
    checks = [_compile_required(asked.required)] if asked.required else []
    checks += [check for _, check in asked.sliced]
    checks += [rule.check for _, rule in asked.invariants if rule.check is not None]
    return all_of(checks) if checks else None


def _compile_required(required: Sequence[tuple[Element, Lacks]]) -> ObjectCheck:
    """Whether an object has what it must have: a look at the plain names does for most, each element is
    asked for where one of these is missing.
    """
    names = [
        next(iter(element.json_names), element.name)
        for element, _ in required
        if element.minimum == 1
    ]
    has_plain_names = frozenset(names).issubset
    always = tuple(lacks for element, lacks in required if element.minimum > 1)
    others = tuple(lacks for element, lacks in required if element.minimum == 1)

    def check(value: dict[str, Any], _scope: Scope, _place: Element) -> bool:
        if not has_plain_names(value) and any(lacks(value) for lacks in others):
            return False
        return not any(lacks(value) for lacks in always)

    return check


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
