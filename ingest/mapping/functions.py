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
_OF_VALUE: set[str] = set()


def map_function(name: str, *, of_value: bool = False) -> Callable[[Compute], Compute]:
    """Make a function known to the maps; `of_value` says that it reads nothing but value and centre."""

    def register(function: Compute) -> Compute:
        _FUNCTIONS[name] = function
        if of_value:
            _OF_VALUE.add(name)
        return function

    return register


def functions() -> Mapping[str, Compute]:
    """All functions by name."""
    return MappingProxyType(_FUNCTIONS)


def is_of_value(name: str) -> bool:
    """Whether a function reads nothing but the value and the centre that sends it."""
    return name in _OF_VALUE
