"""Rules: what is asked of a value, in both readings."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from fhir_server.validation.check import Check, all_of, holds
from fhir_server.validation.element import Element
from fhir_server.validation.inspection import Inspection
from fhir_server.validation.items import Item
from fhir_server.validation.scope import Scope

Explain = Callable[[Element, Item, Inspection], None]
"""Says what is wrong with a value of an element; nothing where nothing is."""


class Rule(NamedTuple):
    """One thing asked of a value: a check that is fast, and an explanation for what it refuses.

    Shape: `check` None where nothing can come of it that the scan looks for.
    """

    check: Check | None
    explain: Explain


def rule(checks: Sequence[Check], explain: Explain) -> Rule:
    """The rule of a family with its compiled checks, of which there may be none."""
    return Rule(all_of(checks) if checks else None, explain)


def checked(rules: Sequence[Rule]) -> tuple[Rule, ...]:
    """The rules of which something may come that the scan looks for."""
    return tuple(one for one in rules if one.check is not None)


def keeps_all(rules: Sequence[Rule]) -> Check:
    """One check for all rules."""
    return all_of([one.check for one in rules if one.check is not None])


def broken(rules: tuple[Rule, ...], value: Any, scope: Scope, place: Element) -> tuple[Rule, ...]:
    """Which rules a value does not keep, of which it does not keep all."""
    if len(rules) == 1:
        return rules
    return tuple(
        one for one in rules if one.check is not None and not holds(one.check, value, scope, place)
    )
