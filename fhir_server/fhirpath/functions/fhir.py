"""Functions that FHIR adds.

Source: FHIR R4 §2.9.4 https://hl7.org/fhir/R4/fhirpath.html#functions
"""

from typing import TYPE_CHECKING, Any

from fhir_server.fhirpath.errors import execution_error
from fhir_server.fhirpath.fragment import Context, Fragment
from fhir_server.fhirpath.functions.registry import Kind, compiled, on_collection, ready_arguments
from fhir_server.fhirpath.references import reference_of, resolve_text
from fhir_server.fhirpath.scope import Scope
from fhir_server.fhirpath.syntax import Call
from fhir_server.fhirpath.type_space import holder_of
from fhir_server.fhirpath.values import Items, TypedValue, system

if TYPE_CHECKING:
    from fhir_server.fhirpath.compiler import Compiler

_LINK = "https://hl7.org/fhir/R4/fhirpath.html#functions"


def _extensions(items: Items, url: str) -> Items:
    found: Items = []
    for item in items:
        holder = holder_of(item) if type(item) is TypedValue else None
        entries = holder.get("extension") if holder else None
        for entry in entries if type(entries) is list else ():
            if type(entry) is dict and entry.get("url") == url:
                found.append(TypedValue("Extension", entry))
    return found


@compiled("extension", _LINK, arguments=(1, 1))
def compile_extension(
    compiler: "Compiler", call: Call, source: Fragment, context: Context
) -> Fragment:
    """The extensions of a URL, of primitives too."""
    (url_of,) = ready_arguments(compiler, call, ("text",), context)
    items_of = source.run

    def run(this: Any, scope: Scope) -> Items:
        url = url_of(this, scope)
        return [] if url is None else _extensions(items_of(this, scope), url)

    return Fragment(run, ("Extension",), source.ordered, "function extension", (source,))


@on_collection("hasExtension", _LINK, returns="Boolean", arguments=("text",))
def has_extension(items: Items, url: str) -> Items:
    """Whether there is an extension of a URL; used by QuestionnaireResponse's search parameters."""
    return [bool(_extensions(items, url))]


@on_collection("hasValue", _LINK, returns="Boolean")
def has_value(items: Items) -> Items:
    """Whether the input is one primitive with a value."""
    if len(items) != 1:
        return [False]
    item = items[0]
    value = item.value if type(item) is TypedValue else item
    return [value is not None and type(value) is not dict]


@on_collection("getValue", _LINK, returns=None)
def get_value(items: Items) -> Items:
    """The System value of a primitive that has one."""
    if len(items) != 1:
        return []
    value = system(items[0])
    return [] if value is None or type(value) is TypedValue else [value]


@compiled("resolve", _LINK)
def compile_resolve(
    _compiler: "Compiler", _call: Call, source: Fragment, _context: Context
) -> Fragment:
    """The resources behind references; what cannot be found is left out."""
    items_of = source.run

    def run(this: Any, scope: Scope) -> Items:
        found: Items = []
        for item in items_of(this, scope):
            text, _ = reference_of(item)
            target = resolve_text(text, scope) if text is not None else None
            if target is not None:
                found.append(target)
        return found

    return Fragment(run, None, source.ordered, "function resolve", (source,))


@compiled("checkModifiers", _LINK, arguments=(0, 32))
def compile_check_modifiers(
    compiler: "Compiler", call: Call, source: Fragment, context: Context
) -> Fragment:
    """The input, provided that it carries no modifier extension but those named."""
    kinds: tuple[Kind, ...] = tuple("text" for _ in call.arguments)
    known_of = ready_arguments(compiler, call, kinds, context)
    items_of = source.run

    def run(this: Any, scope: Scope) -> Items:
        items = items_of(this, scope)
        known = {read(this, scope) for read in known_of}
        for item in items:
            holder = holder_of(item) if type(item) is TypedValue else None
            entries = holder.get("modifierExtension") if holder else None
            for entry in entries if type(entries) is list else ():
                if entry.get("url") not in known:
                    raise execution_error("fhirpath-modifier", url=entry.get("url"))
        return items

    return Fragment(run, source.types, source.ordered, "function checkModifiers", (source,))


@compiled("conformsTo", _LINK, arguments=(1, 1))
def compile_conforms_to(
    compiler: "Compiler", call: Call, source: Fragment, context: Context
) -> Fragment:
    """Whether the only item conforms to a profile. Errors: FHIRPathError where it is not known."""
    (profile_of,) = ready_arguments(compiler, call, ("text",), context)
    items_of = source.run

    def run(this: Any, scope: Scope) -> Items:
        items = items_of(this, scope)
        profile = profile_of(this, scope)
        if profile is None or len(items) != 1 or type(items[0]) is not TypedValue:
            return []
        answer = compiler.conforms_to(items[0], profile) if compiler.conforms_to else None
        if answer is None:
            answer = _conforms_to_type(compiler, items[0], profile)
        return [answer]

    return Fragment(run, ("System.Boolean",), note="function conformsTo", parts=(source,))


_BASE = "http://hl7.org/fhir/StructureDefinition/"


def _conforms_to_type(compiler: "Compiler", item: TypedValue, profile: str) -> bool:
    """The profile of a type itself is met by what is of the type, as far as FHIRPath can see."""
    name = profile.partition("|")[0].removeprefix(_BASE)
    if not profile.startswith(_BASE) or compiler.space.model.type(name) is None:
        raise execution_error("fhirpath-unknown-profile", url=profile)
    return compiler.space.is_subtype(item.type, name)
