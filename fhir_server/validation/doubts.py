"""Doubts: what a scan does not pass, noted as a tree along the value.

A scan is the fast path: it goes once through an object or a value and gives its doubts, or None where there
are none, which is most of the time. The detailed path (`Inspector`) explains what is noted, and nothing else.
"""

from collections.abc import Callable, Sequence
from enum import Enum, auto
from typing import Any, Final, Literal

import msgspec

from fhir_server.validation.element import Element
from fhir_server.validation.rule import Rule
from fhir_server.validation.scope import Scope


class ValueDoubts(msgspec.Struct, frozen=True, gc=False):
    """Doubts about a value: about its content, held against one element or several, and the rules about
    the value itself that it does not keep.
    """

    parts: Sequence["ObjectDoubts"]
    rules: Sequence[Rule]


class ObjectDoubts(msgspec.Struct, frozen=True, gc=False):
    """Doubts about an object that is held against the element whose children describe it.

    Shape: `members` by JSON key; `elements` those whose number or slices are in doubt; `invariants` each with
    the element that states it.
    """

    content: Element
    type_code: str
    members: Sequence[tuple[str, "MemberDoubts"]]
    elements: Sequence[Element]
    invariants: Sequence[tuple[Element, Rule]]
    is_whole: bool = False
    """Whether everything about the object is in doubt: the rest is empty then."""


EVERYTHING: Final = ValueDoubts((), ())
"""The doubts about a value of which nothing is known to be right."""


class _Whole(Enum):
    WHOLE = auto()


WHOLE: Final = _Whole.WHOLE
"""The doubts about a member of which more than single values is in doubt: its JSON shape, its number."""

Doubtful = ValueDoubts | ObjectDoubts
"""Doubts about a value; those about its content alone stand for themselves."""
ItemsDoubts = Doubtful | list[tuple[int, Doubtful]]
"""Doubts about single values of a member: about its only one, or about some of its items, by index."""
MemberDoubts = ItemsDoubts | Literal[_Whole.WHOLE]

ObjectScan = Callable[[Any, Scope, Element], ObjectDoubts | None]
ValueScan = Callable[[Any, Scope, Element], Doubtful | None]
"""The doubts about a value; the element is the one at which it stands, for the context of extensions."""
MemberScan = Callable[[Any, dict[str, Any], Scope, Element], MemberDoubts | None]
"""The doubts about the value of one JSON key, beside the other keys of its object."""


def whole(content: Element, type_code: str) -> ObjectDoubts:
    """The doubts about an object of which nothing is known to be right."""
    return ObjectDoubts(content, type_code, (), (), (), is_whole=True)


def may_be_misshapen(doubts: MemberDoubts) -> bool:
    """Whether JSON of another shape than the element's may be behind the doubts about a member."""
    if isinstance(doubts, list):
        return False
    if isinstance(doubts, ValueDoubts):
        return doubts is EVERYTHING or any(part.is_whole for part in doubts.parts)
    return doubts is WHOLE or doubts.is_whole
