"""Existence.

Source: FHIRPath N1 §5.1 http://hl7.org/fhirpath/N1/#existence
"""

from typing import TYPE_CHECKING, Any

from fhir_server.fhirpath.errors import execution_error
from fhir_server.fhirpath.fragment import Context, Fragment, Run, boolean
from fhir_server.fhirpath.functions.registry import compiled, iterating, on_collection
from fhir_server.fhirpath.operators.collections import (
    comparisons,
    cost_of_distinct,
    distinct,
    holds,
)
from fhir_server.fhirpath.scope import Scope
from fhir_server.fhirpath.syntax import Call
from fhir_server.fhirpath.values import Items, system, type_name

if TYPE_CHECKING:
    from fhir_server.fhirpath.compiler import Compiler


@on_collection("empty", "empty-boolean", returns="Boolean")
def is_empty(items: Items) -> Items:
    """Whether there is no item."""
    return [not items]


@compiled("exists", "existscriteria-expression-boolean", arguments=(0, 1))
def compile_exists(
    compiler: "Compiler", call: Call, source: Fragment, _context: Context
) -> Fragment:
    """Whether there is an item, or one that meets the criterion."""
    items_of = source.run
    if not call.arguments:
        return Fragment(lambda this, scope: [bool(items_of(this, scope))], ("System.Boolean",),
                        note="function exists", parts=(source,))  # fmt: skip
    criterion = compiler.part(call.arguments[0], Context(source.types))
    meets = criterion.run

    def run(this: Any, scope: Scope) -> Items:
        return [
            any(
                boolean(meets(item, scope), "exists()")
                for item in scope.each(items_of(this, scope))
            )
        ]

    return Fragment(run, ("System.Boolean",), note="function exists", parts=(source, criterion))


@iterating("all", "allcriteria-expression-boolean", returns="Boolean")
def every(items: Items, criterion: Run, scope: Scope) -> Items:
    """Whether every item meets the criterion; true for none."""
    return [all(boolean(criterion(item, scope), "all()") for item in scope.each(items))]


def _booleans(items: Items, what: str) -> list[bool]:
    values = [system(item) for item in items]
    for value in values:
        if type(value) is not bool:
            found = type_name(value) if value is not None else "empty"
            raise execution_error(
                "fhirpath-wrong-type", operation=what, wanted="Boolean", found=found
            )
    return values


@on_collection("allTrue", "alltrue-boolean", returns="Boolean")
def all_true(items: Items) -> Items:
    """Whether every item is true."""
    return [all(_booleans(items, "allTrue()"))]


@on_collection("anyTrue", "anytrue-boolean", returns="Boolean")
def any_true(items: Items) -> Items:
    """Whether an item is true."""
    return [any(_booleans(items, "anyTrue()"))]


@on_collection("allFalse", "allfalse-boolean", returns="Boolean")
def all_false(items: Items) -> Items:
    """Whether every item is false."""
    return [not any(_booleans(items, "allFalse()"))]


@on_collection("anyFalse", "anyfalse-boolean", returns="Boolean")
def any_false(items: Items) -> Items:
    """Whether an item is false."""
    return [not all(_booleans(items, "anyFalse()"))]


@on_collection(
    "subsetOf",
    "subsetofother-collection-boolean",
    returns="Boolean",
    arguments=("collection",),
    cost=comparisons,
)
def is_subset(items: Items, other: Items) -> Items:
    """Whether the other collection holds every item."""
    return [all(holds(other, item) for item in items)]


@on_collection(
    "supersetOf",
    "supersetofother-collection-boolean",
    returns="Boolean",
    arguments=("collection",),
    cost=comparisons,
)
def is_superset(items: Items, other: Items) -> Items:
    """Whether the input holds every item of the other collection."""
    return [all(holds(items, item) for item in other)]


@on_collection("count", "count-integer", returns="Integer")
def count(items: Items) -> Items:
    """How many items there are."""
    return [len(items)]


@on_collection("distinct", "distinct-collection", returns="same", cost=cost_of_distinct)
def without_duplicates(items: Items) -> Items:
    """Every item once."""
    return distinct(items)


@on_collection("isDistinct", "isdistinct-boolean", returns="Boolean", cost=cost_of_distinct)
def is_distinct(items: Items) -> Items:
    """Whether no item stands twice."""
    return [len(distinct(items)) == len(items)]
