"""What a part of an expression compiles to."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from fhir_server.fhirpath.errors import execution_error
from fhir_server.fhirpath.scope import Scope
from fhir_server.fhirpath.values import Items, system

if TYPE_CHECKING:
    from fhir_server.fhirpath.fast import FastPath, FastTruth

Run = Callable[[Any, Scope], Items]
"""From `$this` and the scope to a collection."""

Types = tuple[str, ...] | None
"""The types the items of a collection may have; None where only the data tells, () for none at all."""


@dataclass(frozen=True, slots=True)
class Fragment:
    """A compiled part: what runs, and what is known of its result.

    Shape: `ordered` is false for collections whose order the specification leaves open;
    `note` is what `--explain` shows; `fast` the same part in the fast lane, where it has one.
    """

    run: Run
    types: Types
    ordered: bool = True
    note: str = ""
    parts: tuple["Fragment", ...] = field(default=(), compare=False)
    fast: "FastPath | FastTruth | None" = None


@dataclass(frozen=True, slots=True)
class Context:
    """Where a part stands: the types `$this` may have."""

    types: Types


def nothing(_this: Any, _scope: Scope) -> Items:
    """The empty collection."""
    return []


EMPTY = Fragment(nothing, (), note="{}")


def boolean(items: Items, what: str) -> bool | None:
    """A collection where one boolean is wanted; None for empty.

    Source: FHIRPath N1 §5.7 “singleton evaluation of collections”: one item that is no boolean
    counts as true.
    """
    if not items:
        return None
    if len(items) > 1:
        raise execution_error("fhirpath-singleton", operation=what, found=len(items))
    value = system(items[0])
    if type(value) is bool or value is None:
        return value
    return True


def single(items: Items, what: str) -> Any:
    """The only item as a System value; None for empty. Errors: FHIRPathError for several."""
    if not items:
        return None
    if len(items) > 1:
        raise execution_error("fhirpath-singleton", operation=what, found=len(items))
    return system(items[0])
