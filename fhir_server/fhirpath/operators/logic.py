"""Boolean logic with three values: `and` `or` `xor` `implies`.

Source: FHIRPath N1 §6.5 http://hl7.org/fhirpath/N1/#boolean-logic
"""

from collections.abc import Mapping
from typing import Any

from fhir_server.fhirpath.fragment import Fragment, boolean
from fhir_server.fhirpath.operators.operator import BinaryOperator
from fhir_server.fhirpath.scope import Scope
from fhir_server.fhirpath.values import Items


def chain(operator: str, parts: tuple[Fragment, ...]) -> Fragment:
    """`and` or `or` over several operands; the first that decides ends it."""
    deciding = operator == "or"
    runs = tuple(part.run for part in parts)

    def run(this: Any, scope: Scope) -> Items:
        is_open = False
        for operand in runs:
            value = boolean(operand(this, scope), operator)
            if value is deciding:
                return [deciding]
            is_open = is_open or value is None
        return [] if is_open else [not deciding]

    return Fragment(run, ("System.Boolean",), note=f"operator {operator}", parts=parts)


def _xor(left: Items, right: Items) -> Items:
    one, other = boolean(left, "xor"), boolean(right, "xor")
    return [] if one is None or other is None else [one is not other]


def _implies(left: Items, right: Items) -> Items:
    premise, conclusion = boolean(left, "implies"), boolean(right, "implies")
    if premise is False or conclusion is True:
        return [True]
    return [False] if premise is True and conclusion is False else []


OPERATORS: Mapping[str, BinaryOperator] = {
    "xor": BinaryOperator(_xor),
    "implies": BinaryOperator(_implies),
}
