"""The functions that a map line may call by `using:`, each with the name under which maps know it.

Shape: a function takes the context, the values of `from:` and the element it is for; it gives the FHIR
value or None, and writes the leaves it used into the ledger.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from ingest.mapping.context import Context
from ingest.mapping.view import View

Compute = Callable[[Context, list[View], str], Any]

_FUNCTIONS: dict[str, Compute] = {}


def map_function(name: str) -> Callable[[Compute], Compute]:
    """Make a function known to the maps."""

    def register(function: Compute) -> Compute:
        _FUNCTIONS[name] = function
        return function

    return register


def functions() -> Mapping[str, Compute]:
    """All functions by name."""
    return MappingProxyType(_FUNCTIONS)
