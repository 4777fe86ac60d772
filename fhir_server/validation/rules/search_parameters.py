"""SearchParameters: their expression can be evaluated, on types there are, as their type of search asks.

Source: FHIR R4 SearchParameter, https://hl7.org/fhir/R4/searchparameter.html
"""

from typing import Any

from fhir_server.validation.expressions import NotEvaluated
from fhir_server.validation.inspection import Inspection
from fhir_server.validation.report import shown

Resource = dict[str, Any]

_ABSTRACT = frozenset({"Resource", "DomainResource"})
_MODIFIERS = {
    "missing": None, "exact": {"string"}, "contains": {"string"}, "not": {"token"},
    "text": {"token", "reference", "string"}, "in": {"token"}, "not-in": {"token"},
    "below": {"token", "uri", "reference"}, "above": {"token", "uri", "reference"},
    "type": {"reference"}, "identifier": {"reference"}, "ofType": {"token"},
}  # fmt: skip
"""The types of search that each modifier goes with (§3.1.1.5.5); None for all."""
_COMPARABLE = frozenset({"number", "date", "quantity"})


def explain_search_parameter(resource: Resource, location: str, case: Inspection) -> None:
    """The detailed check of a SearchParameter."""
    kind = resource.get("type")
    bases = [base for base in resource.get("base") or () if isinstance(base, str)]
    _explain_expression(resource.get("expression"), bases, location, case)
    if kind == "reference" and not resource.get("target"):
        case.report.warning("search-parameter-target", "required", location)
    if kind != "reference" and resource.get("target"):
        case.report.error("search-parameter-no-target", "invalid", f"{location}.target[0]",
                          type=shown(kind))  # fmt: skip
    if (kind == "composite") is not bool(resource.get("component")):
        case.report.error("search-parameter-component", "invalid", location, type=shown(kind))
    for index, modifier in enumerate(resource.get("modifier") or ()):
        allowed = _MODIFIERS.get(modifier) if isinstance(modifier, str) else None
        if allowed is not None and kind not in allowed:
            case.report.error("search-parameter-modifier", "invalid", f"{location}.modifier[{index}]",
                              modifier=shown(modifier), type=shown(kind))  # fmt: skip
    if resource.get("comparator") and kind not in _COMPARABLE:
        case.report.warning("search-parameter-comparator", "invalid", f"{location}.comparator[0]", None,
                            type=shown(kind))  # fmt: skip
    _explain_origin(resource, location, case)


def _explain_expression(expression: Any, bases: list[str], location: str, case: Inspection) -> None:
    if not isinstance(expression, str):
        return
    known = set(case.knowledge.definitions.resource_types) | _ABSTRACT
    for base in bases:
        if base not in known:
            continue
        try:
            case.knowledge.expressions.compiled(expression, base)
        except NotEvaluated as fault:
            case.report.error("search-parameter-expression", "invalid", f"{location}.expression",
                              base=base, reason=fault.why)  # fmt: skip
            return


def _explain_origin(resource: Resource, location: str, case: Inspection) -> None:
    """One derived from another has its type, and bases that the other has."""
    canonical = resource.get("derivedFrom")
    origin = (
        case.knowledge.definitions.find("SearchParameter", canonical)
        if isinstance(canonical, str)
        else None
    )
    if origin is None:
        return
    if origin.get("type") != resource.get("type"):
        case.report.error("search-parameter-origin", "invalid", f"{location}.type",
                          origin=shown(canonical), expected=shown(origin.get("type")))  # fmt: skip
    bases = set(origin.get("base") or ())
    for index, base in enumerate(resource.get("base") or ()):
        if base not in bases and not bases & _ABSTRACT:
            case.report.error("search-parameter-origin", "invalid", f"{location}.base[{index}]",
                              origin=shown(canonical), expected=", ".join(sorted(bases)))  # fmt: skip
