"""Type functions: `is()`, `as()`, `type()`.

Source: FHIRPath N1 §6.3 http://hl7.org/fhirpath/N1/#types; reflection §10.2
"""

from typing import TYPE_CHECKING, Any

from fhir_server.fhirpath.fragment import Context, Fragment
from fhir_server.fhirpath.functions.registry import compiled
from fhir_server.fhirpath.operators.types import as_type, is_type, test_type, type_specifier
from fhir_server.fhirpath.scope import Scope
from fhir_server.fhirpath.syntax import Call
from fhir_server.fhirpath.type_space import REFLECTION, TypeSpace
from fhir_server.fhirpath.values import Items, TypedValue, type_name

if TYPE_CHECKING:
    from fhir_server.fhirpath.compiler import Compiler


@compiled("is", "istype-type-specifier", arguments=(1, 1))
def compile_is(compiler: "Compiler", call: Call, source: Fragment, context: Context) -> Fragment:
    """Whether the only item is of a type or of one derived from it."""
    specifier = type_specifier(call.arguments[0])
    if call.target is not None:
        return is_type(compiler, call.target, specifier, context, call.position)
    return test_type(compiler, source, compiler.space.resolve_name(specifier))


@compiled("as", "astype-type-specifier", arguments=(1, 1))
def compile_as(compiler: "Compiler", call: Call, source: Fragment, _context: Context) -> Fragment:
    """The item where it is of the type."""
    return as_type(compiler, source, type_specifier(call.arguments[0]), call.position)


@compiled("type", "reflection")
def compile_type(
    compiler: "Compiler", _call: Call, source: Fragment, _context: Context
) -> Fragment:
    """Namespace, name and base type of each item."""
    items_of, space = source.run, compiler.space

    def run(this: Any, scope: Scope) -> Items:
        return [_reflect(type_name(item), space) for item in items_of(this, scope)]

    return Fragment(run, (REFLECTION,), source.ordered, "function type", (source,))


def _reflect(name: str, space: TypeSpace) -> TypedValue:
    if name.startswith("System."):
        described = {
            "namespace": "System",
            "name": name.removeprefix("System."),
            "baseType": "System.Any",
        }
    else:
        info = space.model.type(name)
        base = info.base if info else None
        described = {
            "namespace": "FHIR",
            "name": name,
            **({"baseType": f"FHIR.{base}"} if base else {}),
        }
    return TypedValue(REFLECTION, described)
