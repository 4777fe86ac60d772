"""Terminology: `memberOf()`, `subsumes()`, `subsumedBy()`.

Source: FHIR R4 §2.9.4 https://hl7.org/fhir/R4/fhirpath.html#functions
"""

from typing import TYPE_CHECKING, Any

from fhir_server.fhirpath.errors import execution_error
from fhir_server.fhirpath.fragment import Context, Fragment
from fhir_server.fhirpath.functions.registry import compiled, ready_arguments
from fhir_server.fhirpath.scope import Scope, Terminology
from fhir_server.fhirpath.syntax import Call
from fhir_server.fhirpath.values import Items, typed

if TYPE_CHECKING:
    from fhir_server.fhirpath.compiler import Compiler

_LINK = "https://hl7.org/fhir/R4/fhirpath.html#functions"


def _service(compiler: "Compiler", what: str) -> Terminology:
    if compiler.terminology is None:
        raise execution_error("fhirpath-no-terminology", operation=what)
    return compiler.terminology


@compiled("memberOf", _LINK, arguments=(1, 1))
def compile_member_of(
    compiler: "Compiler", call: Call, source: Fragment, context: Context
) -> Fragment:
    """Whether a code, Coding or CodeableConcept is in a value set; empty where nobody can tell."""
    (value_set_of,) = ready_arguments(compiler, call, ("text",), context)
    items_of = source.run

    def run(this: Any, scope: Scope) -> Items:
        items = items_of(this, scope)
        value_set = value_set_of(this, scope)
        if not items or value_set is None:
            return []
        if len(items) > 1:
            raise execution_error("fhirpath-singleton", operation="memberOf()", found=len(items))
        answer = _service(compiler, "memberOf()").member_of(typed(items[0]), value_set)
        return [] if answer is None else [answer]

    return Fragment(run, ("System.Boolean",), note="function memberOf", parts=(source,))


def _declare(name: str, *, turned: bool) -> None:
    def compile_call(
        compiler: "Compiler", call: Call, source: Fragment, context: Context
    ) -> Fragment:
        items_of, other_of = source.run, compiler.compile(call.arguments[0], context).run

        def run(this: Any, scope: Scope) -> Items:
            items, others = items_of(this, scope), other_of(this, scope)
            if len(items) != 1 or len(others) != 1:
                return []
            pair = (
                (typed(others[0]), typed(items[0]))
                if turned
                else (typed(items[0]), typed(others[0]))
            )
            answer = _service(compiler, f"{name}()").subsumes(*pair)
            return [] if answer is None else [answer]

        return Fragment(run, ("System.Boolean",), note=f"function {name}", parts=(source,))

    compiled(name, _LINK, arguments=(1, 1))(compile_call)


_declare("subsumes", turned=False)
_declare("subsumedBy", turned=True)
