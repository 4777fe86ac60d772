"""Published invariants whose expression does not say what their text says, and what to evaluate instead.

Source: FHIR R4 4.0.1 as published, and the corrections of later versions of the specification.
"""

from collections.abc import Mapping

ERRATA: Mapping[str, str] = {
    # que-7: the answer is a FHIR boolean, not a System.Boolean.
    "operator = 'exists' implies (answer is Boolean)": (
        "operator = 'exists' implies (answer is boolean)"
    ),
    # que-12: "more than one".
    "enableWhen.count() > 2 implies enableBehavior.exists()": (
        "enableWhen.count() > 1 implies enableBehavior.exists()"
    ),
    # The rules that follow are empty, and so not kept, without what they speak of; none of them asks for it.
    # ref-1: a contained resource names its container by "#" (§2.3.0.5).
    "reference.startsWith('#').not() or (reference.substring(1).trace('url') in "
    "%rootResource.contained.id.trace('ids'))": (
        "reference.hasValue() implies (reference = '#' or reference.startsWith('#').not() or "
        "reference.substring(1) in %rootResource.contained.id)"
    ),
    # bdl-8
    "fullUrl.contains('/_history/').not()": (
        "fullUrl.hasValue() implies fullUrl.contains('/_history/').not()"
    ),
    # ras-2
    "probability is decimal implies (probability as decimal) <= 100": (
        "(probability.exists() and probability is decimal) implies (probability as decimal) <= 100"
    ),
    # vs-1: "is dateTime and has a value".
    "($this as dateTime).toString().length() >= 8": (
        "($this is dateTime and $this.hasValue()) implies ($this as dateTime).toString().length() >= 8"
    ),
    # The names of definitions: adf-0 and its like.
    "name.matches('[A-Z]([A-Za-z0-9_]){0,254}')": (
        "name.hasValue() implies name.matches('[A-Z]([A-Za-z0-9_]){0,254}')"
    ),
}
"""The expression to evaluate, by the published one."""

WIDER_VALUE_SETS = frozenset({
    # vitalsigns binds every component to it as required, oxygen flow by L/min and all; R5: extensible.
    "http://hl7.org/fhir/ValueSet/ucum-vitals-common",
})  # fmt: skip
"""Value sets whose published binding is required, and is read as extensible."""


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
