"""Whether a SearchParameter that a client defines can be searched by: its code, expression and type.

Source: FHIR R4 SearchParameter, https://hl7.org/fhir/R4/searchparameter.html; §3.1.1.4.4 says which
data types each type of search takes.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from fhir_server.fhirpath import FHIRPath, FHIRPathError
from fhir_server.model.issues import Issue, error, warning
from fhir_server.search.expressions import branches_of
from fhir_server.search.parameters import SearchParameters, types_of
from fhir_server.search.types import composite

# Parameters of the request itself, which no resource can have a value for.
_RESERVED = frozenset({
    "_contained", "_containedType", "_count", "_cursor", "_elements", "_explain", "_format", "_has",
    "_include", "_pretty", "_revinclude", "_score", "_sort", "_summary", "_total", "_type",
})  # fmt: skip
_CODE = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,63}")
_ABSTRACT = ("Resource", "DomainResource")
_TEXTS = ("string", "markdown", "id", "code", "uri")
_SEARCHED: Mapping[str, tuple[str, ...]] = {
    "token": (*_TEXTS, "boolean", "integer", "Coding", "CodeableConcept", "Identifier", "ContactPoint"),
    "string": (*_TEXTS, "HumanName", "Address", "CodeableConcept", "Annotation", "ContactPoint",
               "Identifier", "Money"),
    "date": ("date", "dateTime", "instant", "Period", "Timing"),
    "number": ("integer", "decimal", "Range"),
    "quantity": ("Quantity", "Money", "Range", "SampledData"),
    "reference": ("Reference", "uri", "Resource"),
    "uri": ("uri",),
}  # fmt: skip


def is_in_force(definition: Mapping[str, Any]) -> bool:
    """Whether a stored SearchParameter is to be searched by."""
    return definition.get("status") == "active"


def check_definition(
    definition: Mapping[str, Any],
    parameters: SearchParameters,
    engine: FHIRPath,
    others: Sequence[dict[str, Any]] = (),
) -> list[Issue]:
    """What keeps an active SearchParameter from being searched by; empty for one that is not active.

    Shape: `definition` a valid SearchParameter; `parameters` those that the server is built on: a code
    that they hold keeps its meaning, which is a warning; `others` further ones, for components.
    """
    if not is_in_force(definition):
        return []
    code = definition.get("code", "")
    if _CODE.fullmatch(code) is None or code in _RESERVED:
        return [
            error("search-definition-code", "value", "SearchParameter.code", parameter=code[:100])
        ]
    known = [name for name in types_of(definition) if _is_known(parameters, name, code)]
    issues = []
    if known and parameters.definitions.find("SearchParameter", definition["url"]) is None:
        issues.append(warning("search-definition-known", "duplicate", "SearchParameter.code",
                              parameter=code, types=", ".join(known[:5])))  # fmt: skip
    if len(known) == len(types_of(definition)):
        return issues
    return [*issues, *_evaluated(definition, parameters, engine, others)]


def _is_known(parameters: SearchParameters, resource_type: str, code: str) -> bool:
    return code in parameters.definitions.search_parameters(resource_type)


def _evaluated(
    definition: Mapping[str, Any],
    parameters: SearchParameters,
    engine: FHIRPath,
    others: Sequence[dict[str, Any]],
) -> Iterator[Issue]:
    kind, expression = definition["type"], definition.get("expression")
    if kind == "special":
        yield error("search-definition-special", "not-supported", "SearchParameter.type")
    elif not expression:
        yield error("search-definition-no-expression", "required", "SearchParameter.expression")
    else:
        for base in definition["base"]:
            yield from _on_base(definition, base, parameters, engine)
        if kind == "composite":
            yield from _components(definition, parameters, others)


def _on_base(
    definition: Mapping[str, Any], base: str, parameters: SearchParameters, engine: FHIRPath
) -> Iterator[Issue]:
    at = "SearchParameter.expression"
    branches = branches_of(definition["expression"], base, parameters.definitions.type_model)
    # A part of `Resource` or `DomainResource` is typed on one that derives from them.
    context = "Patient" if base in _ABSTRACT else base
    found: set[str] = set()
    for branch in branches:
        try:
            types = engine.compile(branch.expression, context_type=context).types
        except FHIRPathError as fault:
            yield error("search-definition-expression", "invalid", at, base=base,
                        reason=fault.issue)  # fmt: skip
            return
        if types is None:
            return
        found.update(types)
    kind = definition["type"]
    model = parameters.definitions.type_model
    if not found:
        yield error("search-definition-nothing", "invalid", at, base=base)
    elif kind != "composite" and not any(
        model.is_subtype(_plain(one), wanted) for one in found for wanted in _SEARCHED[kind]
    ):
        yield error("search-definition-type", "invalid", "SearchParameter.type", type=kind,
                    found=", ".join(sorted(found)[:5]), allowed=", ".join(_SEARCHED[kind]))  # fmt: skip


def _plain(name: str) -> str:
    """`System.Boolean`, which FHIRPath computes, is searched like `boolean`."""
    system = name.removeprefix("System.")
    if system == name:
        return name
    return "Quantity" if system == "Quantity" else system[0].lower() + system[1:]


def _is_of_resources(definition: Mapping[str, Any], parameters: SearchParameters) -> bool:
    """Whether the components are of whole resources, which their own parameters find."""
    model = parameters.definitions.type_model
    expression = definition["expression"]
    return all(
        branch.is_resource
        for base in definition["base"]
        for branch in branches_of(expression, base, model)
    )


def _components(
    definition: Mapping[str, Any], parameters: SearchParameters, others: Sequence[dict[str, Any]]
) -> Iterator[Issue]:
    known = parameters.extended([*others, dict(definition)]).components_of(definition)
    if len(known) < len(definition.get("component", ())):
        yield error("search-definition-component", "not-found", "SearchParameter.component")
    elif not composite.is_indexed(known) and not _is_of_resources(definition, parameters):
        yield error("search-definition-composite", "not-supported", "SearchParameter.component")
