"""Tree navigation.

Source: FHIRPath N1 §5.8 http://hl7.org/fhirpath/N1/#tree-navigation
"""

from typing import TYPE_CHECKING, Any

from fhir_server.fhirpath.fragment import Context, Fragment
from fhir_server.fhirpath.functions.registry import compiled
from fhir_server.fhirpath.scope import Scope
from fhir_server.fhirpath.syntax import Call
from fhir_server.fhirpath.type_space import TypeSpace, append_child, holder_of
from fhir_server.fhirpath.values import Items, TypedValue

if TYPE_CHECKING:
    from fhir_server.fhirpath.compiler import Compiler


def append_children(found: Items, item: Any, space: TypeSpace) -> None:
    """Add every child element of an item."""
    if type(item) is not TypedValue:
        return
    holder = holder_of(item)
    if holder:
        for child in space.all_children(item.type):
            if child.key in holder or child.sibling_key in holder:
                append_child(found, holder, child)


@compiled("children", "children-collection")
def compile_children(
    compiler: "Compiler", _call: Call, source: Fragment, _context: Context
) -> Fragment:
    """Every child element of every item."""
    items_of, space = source.run, compiler.space

    def run(this: Any, scope: Scope) -> Items:
        found: Items = []
        for item in items_of(this, scope):
            append_children(found, item, space)
        return found

    return Fragment(run, None, ordered=False, note="function children", parts=(source,))


@compiled("descendants", "descendants-collection")
def compile_descendants(
    compiler: "Compiler", _call: Call, source: Fragment, _context: Context
) -> Fragment:
    """Every element below every item, the items themselves excluded."""
    items_of, space = source.run, compiler.space

    def run(this: Any, scope: Scope) -> Items:
        found: Items = []
        for item in items_of(this, scope):
            append_children(found, item, space)
        at = 0
        while at < len(found):
            append_children(found, found[at], space)
            at += 1
        return found

    return Fragment(run, None, ordered=False, note="function descendants", parts=(source,))
