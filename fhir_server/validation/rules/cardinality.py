"""Cardinality: how often an element occurs.

Source: FHIR R4 ElementDefinition min and max, https://hl7.org/fhir/R4/conformance-rules.html#cardinality
"""

from collections.abc import Callable
from typing import Any

from fhir_server.validation.element import Element
from fhir_server.validation.report import Report

Lacks = Callable[[dict[str, Any]], bool]


def compile_required(element: Element) -> Lacks | None:
    """Whether an object lacks what the minimum asks; None where it asks nothing."""
    if element.minimum == 0:
        return None
    if element.minimum == 1:
        return element.keys.isdisjoint
    minimum = element.minimum
    names = tuple(element.json_names)
    return lambda value: sum(len(value.get(name) or ()) for name in names) < minimum


def compile_maximum(element: Element) -> Callable[[Any], bool] | None:
    """Whether a list is not too long; None where there is no bound."""
    maximum = element.maximum
    if maximum is None:
        return None
    return lambda values: len(values) <= maximum


def explain_cardinality(
    element: Element, count: int, location: str, report: Report, *, name: str | None = None
) -> None:
    """The detailed check of a number of occurrences."""
    shown_name = name or element.name
    if count < element.minimum:
        report.error(
            "cardinality-min", "structure", location, element.profile,
            element=shown_name, min=element.minimum, found=count, path=element.path,
        )  # fmt: skip
    if element.maximum is not None and count > element.maximum:
        issue_id = "cardinality-forbidden" if element.maximum == 0 else "cardinality-max"
        report.error(
            issue_id, "structure", location, element.profile,
            element=shown_name, max=element.maximum, found=count, path=element.path,
        )  # fmt: skip
