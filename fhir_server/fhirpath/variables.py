"""Environment variables.

Source: FHIRPath N1 §9 http://hl7.org/fhirpath/N1/#environment-variables;
FHIR R4 §2.9.3 https://hl7.org/fhir/R4/fhirpath.html#vars
"""

from collections.abc import Callable, Mapping
from typing import Any

from fhir_server.fhirpath.errors import execution_error
from fhir_server.fhirpath.fragment import Fragment, Run
from fhir_server.fhirpath.scope import Scope
from fhir_server.fhirpath.syntax import External
from fhir_server.fhirpath.values import Items, TypedValue

_URLS: Mapping[str, str] = {
    "ucum": "http://unitsofmeasure.org",
    "sct": "http://snomed.info/sct",
    "loinc": "http://loinc.org",
}
_PREFIXES: Mapping[str, str] = {
    "vs-": "http://hl7.org/fhir/ValueSet/",
    "ext-": "http://hl7.org/fhir/StructureDefinition/",
}
_NODES: Mapping[str, Callable[[Scope], TypedValue | None]] = {
    "context": lambda scope: scope.context,
    "resource": lambda scope: scope.resource,
    "rootResource": lambda scope: scope.root_resource,
}


def compile_external(node: External) -> Fragment:
    """The fragment of `%name`. A name that is neither built in nor given fails when it is evaluated."""
    name = node.name
    text = _URLS.get(name)
    for prefix, base in _PREFIXES.items():
        if name.startswith(prefix):
            text = base + name.removeprefix(prefix)
    if text is not None:
        url = text
        return Fragment(lambda _this, _scope: [url], ("System.String",), note=f"literal {url}")
    read = _NODES.get(name)
    return Fragment(_node(read) if read else _given(name), None, note=f"variable %{name}")


def _node(read: Callable[[Scope], TypedValue | None]) -> Run:
    def run(_this: Any, scope: Scope) -> Items:
        node = read(scope)
        return [] if node is None else [node]

    return run


def _given(name: str) -> Run:
    def run(_this: Any, scope: Scope) -> Items:
        if scope.variables is None or name not in scope.variables:
            raise execution_error("fhirpath-unknown-variable", name=name)
        return variable_items(scope.variables[name])

    return run


def variable_items(value: Any) -> Items:
    """The collection of a variable's value: None, one item, or a list of items.

    Shape: resources are recognised by their resourceType, everything else must be a `TypedValue` or
    a value of a System type.
    """
    if value is None:
        return []
    if isinstance(value, list):
        return [_variable_item(item) for item in value]
    return [_variable_item(value)]


def _variable_item(value: Any) -> Any:
    if isinstance(value, dict):
        return TypedValue(str(value.get("resourceType", "Element")), value)
    return value
