"""Quantities: the code of the unit is one of its system, in UCUM by the grammar and the units of UCUM.

Source: FHIR R4 Quantity, https://hl7.org/fhir/R4/datatypes.html#Quantity, and
https://hl7.org/fhir/R4/ucum.html
"""

from typing import Any

from fhir_server.validation.check import Check
from fhir_server.validation.element import Element
from fhir_server.validation.inspection import Inspection
from fhir_server.validation.items import Item
from fhir_server.validation.knowledge import Knowledge
from fhir_server.validation.report import shown
from fhir_server.validation.scope import Scope

QUANTITIES = frozenset({
    "Quantity", "Age", "Count", "Distance", "Duration", "SimpleQuantity", "MoneyQuantity",
})  # fmt: skip
"""The types whose values are quantities."""


def _is_unknown(value: Any, knowledge: Knowledge) -> bool:
    """Whether the system of a unit is known and has not the code."""
    system, code = value.get("system"), value.get("code")
    return (
        type(system) is str
        and type(code) is str
        and knowledge.terminology.knows_code(system, code) is False
    )


def compile_quantity(knowledge: Knowledge, *, silent: bool = False) -> Check | None:
    """The fast check of a Quantity; None where a wrong unit is a warning and those are not asked for."""
    if knowledge.strictness.units == "warning" and not silent:
        return None

    def check(value: Any, _scope: Scope, _place: Element) -> bool:
        return "code" not in value or not _is_unknown(value, knowledge)

    return check


def explain_quantity(element: Element, item: Item, case: Inspection) -> None:
    """The detailed check of a Quantity."""
    value = item.value
    if isinstance(value, dict) and _is_unknown(value, case.knowledge):
        case.report.add(
            "quantity-unit", case.knowledge.strictness.units, "code-invalid", f"{item.location}.code",
            element.profile,
            code=shown(value["code"]), system=shown(value["system"]),
        )  # fmt: skip
