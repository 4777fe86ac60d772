"""What one rule asks of a value, fast: yes or no and nothing else."""

from collections.abc import Callable, Sequence
from typing import Any

from fhir_server.validation.element import Element
from fhir_server.validation.scope import Scope

Check = Callable[[Any, Scope, Element], bool]
"""Whether a value holds; the element is the one at which the value stands, for the context of extensions.
A check may say no to a value that is right, never yes to one that is wrong: the explanation decides what
the check refuses.
"""

MISSHAPEN = (RecursionError, KeyError, TypeError, AttributeError)
"""What a check may raise on JSON of a shape that it does not expect: as much as a no."""


def holds(check: Callable[..., bool], *arguments: Any) -> bool:
    """Whether a check passes; one that meets JSON of another shape does not."""
    try:
        return check(*arguments)
    except MISSHAPEN:
        return False


def all_of(checks: Sequence[Check]) -> Check:
    """One check for several; a single one stays itself."""
    if not checks:
        return lambda _value, _scope, _place: True
    if len(checks) == 1:
        return checks[0]
    if len(checks) == 2:
        first, second = checks
        return lambda value, scope, place: (
            first(value, scope, place) and second(value, scope, place)
        )
    found = tuple(checks)

    def check(value: Any, scope: Scope, place: Element) -> bool:
        for one in found:  # noqa: SIM110 — all() with a generator costs twice as much here
            if not one(value, scope, place):
                return False
        return True

    return check
