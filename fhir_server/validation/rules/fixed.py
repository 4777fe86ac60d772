"""Fixed and pattern values.

Source: FHIR R4 ElementDefinition fixed[x] and pattern[x],
https://hl7.org/fhir/R4/elementdefinition-definitions.html#ElementDefinition.fixed_x_
"""

from typing import Any

from fhir_server.validation.check import Check
from fhir_server.validation.element import Element
from fhir_server.validation.items import Item
from fhir_server.validation.report import Report, shown


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


def explain_fixed(element: Element, item: Item, report: Report) -> None:
    """The detailed check: what was expected, what was found, and where they part."""
    for issue_id, valued, holds in (
        ("fixed-value", element.fixed, equals),
        ("pattern-value", element.pattern, matches),
    ):
        if valued is not None and not holds(item.value, valued[1]):
            where = _first_difference(item.value, valued[1], exact=issue_id == "fixed-value")
            report.error(
                issue_id, "value", item.location, element.profile,
                expected=shown(_readable(valued[1]), 200), found=shown(_readable(item.value), 200),
                part=where or "$this",
            )  # fmt: skip


def _first_difference(value: Any, wanted: Any, *, exact: bool) -> str:
    if isinstance(wanted, dict) and isinstance(value, dict):
        for key in wanted:
            if key not in value:
                return str(key)
            holds = equals if exact else matches
            if not holds(value[key], wanted[key]):
                inner = _first_difference(value[key], wanted[key], exact=exact)
                return f"{key}.{inner}" if inner else str(key)
        if exact:
            return ", ".join(str(key) for key in value if key not in wanted)
    return ""


def _readable(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_readable(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_readable(inner) for inner in value) + "]"
    return str(value).lower() if isinstance(value, bool) else str(value)
