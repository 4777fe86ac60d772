"""Published invariants whose expression does not say what their text says, and what to evaluate instead.

Source: FHIR R4 4.0.1 as published, and the corrections of later versions of the specification.
"""

from collections.abc import Mapping

ERRATA: Mapping[str, str] = {
    # que-7: the answer is a FHIR boolean, not a System.Boolean.
    "operator = 'exists' implies (answer is Boolean)": (
        "operator = 'exists' implies (answer is boolean)"
    ),
}
"""The expression to evaluate, by the published one."""


def mended(expression: str) -> str:
    """The expression to evaluate for a published one."""
    return ERRATA.get(expression, expression)


CONTEXT_ERRATA: Mapping[str, frozenset[str]] = {
    # Its context names ElementDefinition.type.code; HL7's own definitions carry it one level higher.
    "http://hl7.org/fhir/StructureDefinition/structuredefinition-fhir-type": frozenset(
        {"ElementDefinition.type"}
    ),
}
"""Where else an extension may stand than its published context says, by its url."""
