"""The operators of FHIRPath, one file per section of the specification."""

from fhir_server.fhirpath.operators import collections, comparison, equality, logic, math
from fhir_server.fhirpath.operators.operator import BinaryOperator

OPERATORS: dict[str, BinaryOperator] = {
    **equality.OPERATORS,
    **comparison.OPERATORS,
    **collections.OPERATORS,
    **logic.OPERATORS,
    **math.OPERATORS,
}

__all__ = ["OPERATORS", "BinaryOperator"]
