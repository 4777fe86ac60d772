"""Aggregates.

Source: FHIRPath N1 §7 http://hl7.org/fhirpath/N1/#aggregates
"""

from typing import TYPE_CHECKING, Any

from fhir_server.fhirpath.fragment import Context, Fragment
from fhir_server.fhirpath.functions.registry import compiled
from fhir_server.fhirpath.scope import Scope
from fhir_server.fhirpath.syntax import Call
from fhir_server.fhirpath.values import Items

if TYPE_CHECKING:
    from fhir_server.fhirpath.compiler import Compiler


@compiled("aggregate", "aggregateaggregator-expression-init-value-value", arguments=(1, 2))
def compile_aggregate(
    compiler: "Compiler", call: Call, source: Fragment, context: Context
) -> Fragment:
    """Run through the items with `$total` carried from one to the next."""
    step = compiler.part(call.arguments[0], Context(source.types))
    start = compiler.compile(call.arguments[1], context).run if len(call.arguments) > 1 else None
    items_of, aggregator = source.run, step.run

    def run(this: Any, scope: Scope) -> Items:
        outer = scope.total
        total = start(this, scope) if start else []
        items = items_of(this, scope)
        try:
            for item in scope.each(items):
                scope.total = total
                total = aggregator(item, scope)
        finally:
            scope.total = outer
        return total

    return Fragment(run, None, note="function aggregate", parts=(source, step))
