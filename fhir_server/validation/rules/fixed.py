"""Fixed and pattern values.

Source: FHIR R4 ElementDefinition fixed[x] and pattern[x],
https://hl7.org/fhir/R4/elementdefinition-definitions.html#ElementDefinition.fixed_x_
"""

from collections.abc import Iterator
from typing import Any

from fhir_server.validation.check import Check
from fhir_server.validation.element import Element
from fhir_server.validation.inspection import Inspection
from fhir_server.validation.items import Item
from fhir_server.validation.report import shown


def equals(value: Any, fixed: Any) -> bool:
    """Whether a value is exactly the fixed one: the same members, the same order."""
    if isinstance(fixed, dict):
        return (
            isinstance(value, dict)
            and value.keys() == fixed.keys()
            and all(equals(value[key], fixed[key]) for key in fixed)
        )
    if isinstance(fixed, list):
        return (
            isinstance(value, list)
            and len(value) == len(fixed)
            and all(equals(one, other) for one, other in zip(value, fixed, strict=True))
        )
    if isinstance(fixed, bool) or isinstance(value, bool):
        return value is fixed
    return bool(value == fixed)


def matches(value: Any, pattern: Any) -> bool:
    """Whether a value holds what the pattern holds; in arrays each item of the pattern must be found."""
    if isinstance(pattern, dict):
        return isinstance(value, dict) and all(
            key in value and matches(value[key], pattern[key]) for key in pattern
        )
    if isinstance(pattern, list):
        return isinstance(value, list) and all(
            any(matches(item, wanted) for item in value) for wanted in pattern
        )
    return equals(value, pattern)


def compile_fixed(element: Element) -> list[Check]:
    """The fast checks of an element's fixed and pattern values."""
    checks: list[Check] = []
    if element.fixed is not None:
        fixed = element.fixed[1]
        checks.append(lambda value, _scope, _place: equals(value, fixed))
    if element.pattern is not None:
        pattern = element.pattern[1]
        checks.append(lambda value, _scope, _place: matches(value, pattern))
    return checks


def explain_fixed(element: Element, item: Item, case: Inspection) -> None:
    """The detailed check: what was expected and found, at each place where they part."""
    for issue_id, valued, holds in (
        ("fixed-value", element.fixed, equals),
        ("pattern-value", element.pattern, matches),
    ):
        if valued is None or holds(item.value, valued[1]):
            continue
        exact = issue_id == "fixed-value"
        for place, part, wanted, found in _differences(item.value, valued[1], exact=exact):
            case.report.error(
                issue_id, "value", item.location + place, element.profile,
                expected=shown(_readable(wanted), 200), found=shown(_readable(found), 200), part=part,
            )  # fmt: skip


def _differences(value: Any, wanted: Any, *, exact: bool) -> Iterator[tuple[str, str, Any, Any]]:
    """Where a value parts from what is wanted: the path below it, what is wrong there, what was wanted and
    what was found. What is missing stands with the object that lacks it, a list with its object.
    """
    if not isinstance(wanted, dict) or not isinstance(value, dict):
        yield "", "$this", wanted, value
        return
    holds = equals if exact else matches
    lacking = [
        key
        for key in wanted
        if key not in value
        or (isinstance(wanted[key], list) and not holds(value[key], wanted[key]))
    ]
    if lacking:
        yield "", ", ".join(lacking), wanted, value
    for key in value:
        if key not in wanted:
            if exact:
                yield f".{key}", "$this", None, value[key]
        elif key not in lacking and not holds(value[key], wanted[key]):
            for place, part, inner, found in _differences(value[key], wanted[key], exact=exact):
                yield f".{key}{place}", part, inner, found


def _readable(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_readable(inner)}" for key, inner in value.items()) + "}"
    if value is None:
        return "∅"
    if isinstance(value, list):
        return "[" + ", ".join(_readable(inner) for inner in value) + "]"
    return str(value).lower() if isinstance(value, bool) else str(value)
