"""Invariants: the FHIRPath constraints of elements.

Source: FHIR R4 ElementDefinition.constraint, https://hl7.org/fhir/R4/conformance-rules.html#constraints
"""

from collections.abc import Mapping
from typing import Any

from fhir_server.fhirpath import FHIRPathError
from fhir_server.fhirpath.fast import FALL_BACK
from fhir_server.model.issues import Clause, Quoted, because
from fhir_server.validation.check import Check
from fhir_server.validation.element import Element
from fhir_server.validation.expressions import NotEvaluated, why_not
from fhir_server.validation.inspection import Inspection
from fhir_server.validation.knowledge import Knowledge
from fhir_server.validation.report import shown
from fhir_server.validation.rules.glances import GLANCES
from fhir_server.validation.scope import Scope

TRANSLATION = "http://hl7.org/fhir/StructureDefinition/translation"
BEST_PRACTICE = "http://hl7.org/fhir/StructureDefinition/elementdefinition-bestpractice"

NATIVE = frozenset({
    "hasValue() or (children().count() > id.count())",
    "extension.exists() != value.exists()",
    "htmlChecks()",
})  # fmt: skip
"""Expressions that rules of their own carry out: `ele-1`, `ext-1`, `txt-1` and `txt-2`."""

_ONLY_WITH = {
    "dom-2": "contained",
    "dom-3": "contained",
    "dom-4": "contained",
    "dom-5": "contained",
}
"""Invariants of every resource that speak of one element only: without it they hold."""


def severity_of(constraint: Mapping[str, Any]) -> str:
    """The severity of a broken constraint; best practice is never more than a warning."""
    for extension in constraint.get("extension", ()):
        if extension.get("url") == BEST_PRACTICE and extension.get("valueBoolean"):
            return "warning"
    return "error" if constraint.get("severity") == "error" else "warning"


def _told(constraint: Mapping[str, Any]) -> Clause:
    """What a constraint says in words: its author's, in the language where they are translated."""
    human = constraint.get("human")
    if not isinstance(human, str) or not human.strip():
        return because("because-not-true")
    return Quoted(shown(human, 500), _in_french(constraint))


def _in_french(constraint: Mapping[str, Any]) -> str | None:
    """The French text of a constraint, from the extension `translation` beside it."""
    beside = constraint.get("_human")
    for extension in beside.get("extension", ()) if isinstance(beside, dict) else ():
        if isinstance(extension, dict) and extension.get("url") == TRANSLATION:
            parts = [part for part in extension.get("extension", ()) if isinstance(part, dict)]
            told = {part.get("url"): part for part in parts}
            content = told.get("content", {}).get("valueString")
            if told.get("lang", {}).get("valueCode") == "fr" and isinstance(content, str):
                return shown(content, 500)
    return None


def evaluated(element: Element, knowledge: Knowledge) -> tuple[Mapping[str, Any], ...]:
    """The constraints of an element that FHIRPath evaluates, each key once."""
    known = knowledge.constraints.get(element)
    if known is None:
        found: dict[str, Mapping[str, Any]] = {}
        for constraint in element.constraints:
            expression = constraint.get("expression")
            if isinstance(expression, str) and expression.strip() not in NATIVE:
                found.setdefault(constraint.get("key", ""), constraint)
        known = knowledge.constraints[element] = tuple(found.values())
    return known


def compile_invariants(
    element: Element, context_type: str, knowledge: Knowledge, *, silent: bool = False
) -> list[Check]:
    """The fast checks of the constraints that can make an error; where `silent`, of all."""
    return [
        _compile_one(constraint, context_type, knowledge, silent=silent)
        for constraint in evaluated(element, knowledge)
        if silent or severity_of(constraint) == "error"
    ]


def _compile_one(
    constraint: Mapping[str, Any], context_type: str, knowledge: Knowledge, *, silent: bool
) -> Check:
    try:
        compiled = knowledge.expressions.compiled(constraint["expression"], context_type)
    except NotEvaluated:
        return lambda _value, _scope, _place: not silent
    test, quick_test = compiled.test, compiled.quick_test
    needed = _ONLY_WITH.get(constraint.get("key", ""))
    glance = GLANCES.get(constraint["expression"])

    def check(value: Any, scope: Scope, _place: Element) -> bool:
        if needed is not None and needed not in value:
            return True
        if quick_test is not None:
            try:
                return quick_test(value) is not False
            except FALL_BACK:
                pass
            except FHIRPathError:  # a pattern that is too slow: the detailed path says so
                return False
        if glance is not None and glance(value, scope):
            return True
        try:
            answer = test(
                value,
                resource=scope.resource,
                root_resource=scope.root,
                resolve=scope.resolve,
            )
        except Exception:  # whatever goes wrong, the detailed path says what
            return False
        return answer is not False

    return check


def explain_invariants(
    element: Element,
    value: Any,
    case: Inspection,
    *,
    location: str,
    context_type: str,
    sibling: dict[str, Any] | None = None,
) -> None:
    """The detailed check, best practice and warnings included."""
    profile = element.profile
    for constraint in evaluated(element, case.knowledge):
        key = constraint.get("key", "")
        needed = _ONLY_WITH.get(key)
        if needed is not None and isinstance(value, dict) and needed not in value:
            continue
        try:
            compiled = case.knowledge.expressions.compiled(constraint["expression"], context_type)
            answer = compiled.test(
                value,
                sibling=sibling,
                resource=case.scope.resource,
                root_resource=case.scope.root,
                resolve=case.scope.resolve,
            )
        except NotEvaluated as error:
            case.report.warning("invariant-not-checked", "not-supported", location, profile,
                           key=key, reason=error.why)  # fmt: skip
            continue
        except Exception as error:  # an expression of a profile must not end a validation
            case.report.warning("invariant-not-checked", "processing", location, profile,
                           key=key, reason=why_not(error))  # fmt: skip
            continue
        # An empty answer breaks nothing: `ref-1` is empty for a reference without `reference`, the name
        # rules without a name (docs/spec-clarifications.md).
        if answer is False:
            issue_id = "invariant" if severity_of(constraint) == "error" else "invariant-warning"
            case.report.add(
                issue_id, "error" if issue_id == "invariant" else "warning", "invariant", location, profile,
                key=shown(key) if key else because("because-without-key"),
                human=_told(constraint), rule=shown(constraint["expression"], 500),
            )  # fmt: skip
