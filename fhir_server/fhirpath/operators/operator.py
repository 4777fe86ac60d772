"""What a binary operator is."""

from collections.abc import Callable
from dataclasses import dataclass

from fhir_server.fhirpath.fragment import Types
from fhir_server.fhirpath.values import Items


def _boolean(_left: Types, _right: Types) -> Types:
    return ("System.Boolean",)


def same_numbers(left: Types, right: Types) -> Types:
    """The type of a sum or product, where both sides agree; unknown otherwise."""
    return left if left == right and left is not None and len(left) == 1 else None


@dataclass(frozen=True, slots=True)
class BinaryOperator:
    """Two collections to one, and the types of the result from those of the operands.

    Shape: `cost` tells the units of work for two collections; `makes_text` whether texts grow by it.
    """

    apply: Callable[[Items, Items], Items]
    returns: Callable[[Types, Types], Types] = _boolean
    cost: Callable[[Items, Items], int] | None = None
    makes_text: bool = False
