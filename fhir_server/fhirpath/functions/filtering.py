"""Filtering and projection.

Source: FHIRPath N1 §5.2 http://hl7.org/fhirpath/N1/#filtering-and-projection
"""

from typing import TYPE_CHECKING

from fhir_server.fhirpath.budget import PAIRS_SHIFT
from fhir_server.fhirpath.errors import execution_error
from fhir_server.fhirpath.fragment import Context, Fragment, Run, boolean
from fhir_server.fhirpath.functions.registry import compiled, iterating
from fhir_server.fhirpath.operators.collections import holds
from fhir_server.fhirpath.operators.types import of_type, type_specifier
from fhir_server.fhirpath.scope import Scope
from fhir_server.fhirpath.syntax import Call
from fhir_server.fhirpath.values import Items

if TYPE_CHECKING:
    from fhir_server.fhirpath.compiler import Compiler

MAX_REPEATED = 100_000
"""Most items `repeat` gathers before it is stopped."""


@iterating("where", "wherecriteria-expression-collection", returns="same")
def where(items: Items, criterion: Run, scope: Scope) -> Items:
    """The items that meet the criterion."""
    return [item for item in scope.each(items) if boolean(criterion(item, scope), "where()")]


@iterating("select", "selectprojection-expression-collection", returns="argument")
def select(items: Items, projection: Run, scope: Scope) -> Items:
    """What the projection gives for each item, in one collection."""
    found: Items = []
    for item in scope.each(items):
        given = projection(item, scope)
        if len(given) > 1:
            scope.spend(len(given))
        found += given
    return found


@compiled("repeat", "repeatprojection-expression-collection", arguments=(1, 1))
def compile_repeat(
    compiler: "Compiler", call: Call, source: Fragment, _context: Context
) -> Fragment:
    """The projection applied again to all it gives, until nothing new comes."""
    first = compiler.part(call.arguments[0], Context(source.types))
    types = first.types
    if types is not None and source.types is not None and not set(types) <= set(source.types):
        first = compiler.compile(call.arguments[0], Context(None))
        types = None
    items_of, projection = source.run, first.run
    return Fragment(
        lambda this, scope: _repeat(items_of(this, scope), projection, scope), types, ordered=False,
        note="function repeat", parts=(source, first),
    )  # fmt: skip


def _repeat(items: Items, projection: Run, scope: Scope) -> Items:
    found: Items = []
    pending = items
    while pending:
        fresh: Items = []
        for item in scope.each(pending):
            for candidate in projection(item, scope):
                scope.spend(len(found) >> PAIRS_SHIFT)
                if not holds(found, candidate):
                    found.append(candidate)
                    fresh.append(candidate)
        if len(found) > MAX_REPEATED:
            raise execution_error("fhirpath-too-many", operation="repeat()", most=MAX_REPEATED)
        pending = fresh
    return found


@compiled("ofType", "oftypetype-type-specifier-collection", arguments=(1, 1))
def compile_of_type(
    compiler: "Compiler", call: Call, source: Fragment, _context: Context
) -> Fragment:
    """The items of a type."""
    return of_type(compiler, source, type_specifier(call.arguments[0]), call.position)
