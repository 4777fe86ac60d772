"""Types: `is` and `as`, as operators and as functions, and `ofType()`.

`is` accepts subtypes. `as` and `ofType` accept subtypes of resources and complex types, and of
primitives only the very type: see docs/spec-clarifications.md.

Source: FHIRPath N1 §6.3 http://hl7.org/fhirpath/N1/#types; FHIR R4 §2.9.2
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from fhir_server.fhirpath.errors import execution_error, semantic_error
from fhir_server.fhirpath.fragment import EMPTY, Context, Fragment, Types
from fhir_server.fhirpath.references import referenced_types
from fhir_server.fhirpath.scope import Scope
from fhir_server.fhirpath.syntax import Call, Member, Node
from fhir_server.fhirpath.values import Items, type_name

if TYPE_CHECKING:
    from fhir_server.fhirpath.compiler import Compiler


def type_specifier(node: Node) -> str:
    """The type name an argument such as `Quantity` or `FHIR.Patient` spells."""
    if isinstance(node, Member):
        if node.target is None:
            return node.name
        if isinstance(node.target, Member) and node.target.target is None:
            return f"{node.target.name}.{node.name}"
    raise semantic_error("fhirpath-type-wanted", node.position)


def is_type(
    compiler: "Compiler", operand: Node, specifier: str, context: Context, position: int
) -> Fragment:
    """`operand is T`. `resolve() is T` is answered from the reference alone where it says its type."""
    wanted = compiler.space.resolve_name(specifier)
    if wanted is None and "." not in specifier:
        raise semantic_error("fhirpath-unknown-type", position, name=specifier)
    if isinstance(operand, Call) and operand.name == "resolve" and wanted is not None:
        source = compiler.target(operand.target, context)
        return _resolves_to(compiler, source, wanted)
    return test_type(compiler, compiler.compile(operand, context), wanted)


def test_type(compiler: "Compiler", source: Fragment, wanted: str | None) -> Fragment:
    """Whether the only item is of a type; a name that no namespace knows fits nothing."""
    is_subtype = compiler.space.is_subtype
    items_of = source.run

    def run(this: Any, scope: Scope) -> Items:
        items = items_of(this, scope)
        if not items:
            return []
        if len(items) > 1:
            raise execution_error("fhirpath-singleton", operation="is", found=len(items))
        return [wanted is not None and is_subtype(type_name(items[0]), wanted)]

    return Fragment(run, ("System.Boolean",), note=f"is {wanted}", parts=(source,))


def _resolves_to(compiler: "Compiler", source: Fragment, wanted: str) -> Fragment:
    is_subtype = compiler.space.is_subtype
    items_of = source.run

    def run(this: Any, scope: Scope) -> Items:
        names = referenced_types(items_of(this, scope), scope)
        if not names:
            return []
        if len(names) > 1:
            raise execution_error("fhirpath-singleton", operation="is", found=len(names))
        return [is_subtype(names[0], wanted)]

    return Fragment(run, ("System.Boolean",), note=f"reference to {wanted}", parts=(source,))


def as_type(compiler: "Compiler", source: Fragment, specifier: str, position: int) -> Fragment:
    """`source as T`: in strict mode for at most one item, in lenient mode as `ofType`."""
    kept = of_type(compiler, source, specifier, position)
    if compiler.lenient or kept is EMPTY:
        return kept
    items_of, run_kept = source.run, kept.run

    def run(this: Any, scope: Scope) -> Items:
        found = len(items_of(this, scope))
        if found > 1:
            raise execution_error("fhirpath-singleton", operation="as", found=found)
        return run_kept(this, scope)

    return Fragment(run, kept.types, kept.ordered, f"as {specifier}", (source,))


def of_type(compiler: "Compiler", source: Fragment, specifier: str, position: int) -> Fragment:
    """The items of a type. What the known types rule out is empty already when compiled."""
    wanted = compiler.space.resolve_name(specifier)
    if wanted is None:
        raise semantic_error("fhirpath-unknown-type", position, name=specifier)
    accepts = acceptance(compiler, wanted)
    types = _remaining(compiler, source.types, wanted, accepts)
    if types == ():
        return EMPTY
    items_of = source.run

    def run(this: Any, scope: Scope) -> Items:
        return [item for item in items_of(this, scope) if accepts(type_name(item))]

    return Fragment(run, types, source.ordered, f"of type {wanted}", (source,))


def acceptance(compiler: "Compiler", wanted: str) -> Callable[[str], bool]:
    """Which types `as` and `ofType` let through."""
    if compiler.space.is_primitive(wanted):
        return lambda name: name == wanted
    is_subtype = compiler.space.is_subtype
    return lambda name: is_subtype(name, wanted)


def _remaining(
    compiler: "Compiler", types: Types, wanted: str, accepts: Callable[[str], bool]
) -> Types:
    if types is None:
        return (wanted,)
    kept = {name: None for name in types if accepts(name)}
    if any(compiler.space.is_abstract(name) for name in types):
        kept[wanted] = None
    return tuple(kept)
