"""Tree navigation.

Source: FHIRPath N1 §5.8 http://hl7.org/fhirpath/N1/#tree-navigation
"""

from typing import TYPE_CHECKING, Any

from fhir_server.fhirpath.fragment import Context, Fragment, Run
from fhir_server.fhirpath.functions.registry import compiled
from fhir_server.fhirpath.scope import Scope
from fhir_server.fhirpath.syntax import Call, External
from fhir_server.fhirpath.type_space import TypeSpace, append_child, holder_of
from fhir_server.fhirpath.values import Items, TypedValue

if TYPE_CHECKING:
    from fhir_server.fhirpath.compiler import Compiler


def append_children(found: Items, item: Any, space: TypeSpace) -> None:
    """Add every child element of an item, in the order of its JSON."""
    if type(item) is not TypedValue:
        return
    holder = holder_of(item)
    if holder:
        children = space.children_by_key(item.type)
        for key in holder:
            child = children.get(key)
            # A primitive and what stands beside it are one element.
            if child is not None and (key == child.key or child.key not in holder):
                append_child(found, holder, child)


def remembered(run: Run, name: str) -> Run:
    """A part that leads to the same from every item, run once in an evaluation."""

    def once(this: Any, scope: Scope) -> Items:
        found = scope.remembered.get(name)
        if found is None:
            found = scope.remembered[name] = run(this, scope)
        return found

    return once


@compiled("children", "children-collection")
def compile_children(
    compiler: "Compiler", _call: Call, source: Fragment, _context: Context
) -> Fragment:
    """Every child element of every item."""
    items_of, space = source.run, compiler.space

    def run(this: Any, scope: Scope) -> Items:
        found: Items = []
        for item in items_of(this, scope):
            before = len(found)
            append_children(found, item, space)
            scope.spend(1 + len(found) - before)
        return found

    return Fragment(run, None, ordered=False, note="function children", parts=(source,))


@compiled("descendants", "descendants-collection")
def compile_descendants(
    compiler: "Compiler", call: Call, source: Fragment, _context: Context
) -> Fragment:
    """Every element below every item, the items themselves excluded."""
    items_of, space = source.run, compiler.space

    def run(this: Any, scope: Scope) -> Items:
        found: Items = []
        at = 0
        for item in items_of(this, scope):
            append_children(found, item, space)
            before = at
            while at < len(found):
                append_children(found, found[at], space)
                at += 1
            scope.spend(1 + at - before)
        return found

    # Below %resource there is the same for every item of a loop: dom-3 asks four times for each.
    only = remembered(run, call.target.name) if isinstance(call.target, External) else run
    return Fragment(only, None, ordered=False, note="function descendants", parts=(source,))
