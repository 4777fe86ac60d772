"""Invariants: the FHIRPath constraints of elements.

Source: FHIR R4 ElementDefinition.constraint, https://hl7.org/fhir/R4/conformance-rules.html#constraints
"""

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

from fhir_server.fhirpath import CompiledExpression, FHIRPathError
from fhir_server.fhirpath.fast import FALL_BACK
from fhir_server.model.issues import Clause, Quoted, because
from fhir_server.validation.check import Check
from fhir_server.validation.element import Element
from fhir_server.validation.expressions import NotEvaluated, why_not
from fhir_server.validation.inspection import Inspection
from fhir_server.validation.items import Item
from fhir_server.validation.knowledge import Knowledge
from fhir_server.validation.report import shown
from fhir_server.validation.rule import Rule
from fhir_server.validation.rules.glances import GLANCES, Glance
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


_OF_EACH_CONTAINED = "dom-3"


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


def invariant_rules(
    element: Element, context_type: str, knowledge: Knowledge, *, silent: bool = False
) -> tuple[Rule, ...]:
    """A rule for each constraint; unless `silent`, the scan asks only those that can make an error."""
    return tuple(
        Rule(
            _compile(constraint, context_type, knowledge, silent=silent)
            if silent or severity_of(constraint) == "error"
            else None,
            partial(_explain, constraint, context_type),
        )
        for constraint in evaluated(element, knowledge)
    )


def _compile(
    constraint: Mapping[str, Any], context_type: str, knowledge: Knowledge, *, silent: bool
) -> Check:
    try:
        compiled = knowledge.expressions.compiled(constraint["expression"], context_type)
    except NotEvaluated:
        return lambda _value, _scope, _place: not silent
    check, glance = _quick(compiled), GLANCES.get(constraint["expression"])
    if glance is not None:
        check = _glanced(glance, check)
    needed = _ONLY_WITH.get(constraint.get("key", ""))
    if needed is None:
        return check
    return lambda value, scope, place: needed not in value or check(value, scope, place)


def _glanced(glance: Glance, check: Check) -> Check:
    return lambda value, scope, place: glance(value, scope) or check(value, scope, place)


def _quick(compiled: CompiledExpression) -> Check:
    """The check of an expression: by the fast lane of FHIRPath, and where that does not do in full."""
    test, quick_test = compiled.test, compiled.quick_test

    def in_full(value: Any, scope: Scope, _place: Element) -> bool:
        try:
            answer = test(
                value,
                resource=scope.resource,
                root_resource=scope.root,
                resolve=scope.resolve,
            )
        except Exception:  # whatever goes wrong, the explanation says what
            return False
        return answer is True

    if quick_test is None:
        return in_full

    def check(value: Any, scope: Scope, place: Element) -> bool:
        try:
            return quick_test(value) is True
        except FALL_BACK:
            return in_full(value, scope, place)
        except FHIRPathError:  # a pattern that is too slow: the explanation says so
            return False

    return check


def _explain(
    constraint: Mapping[str, Any],
    context_type: str,
    element: Element,
    item: Item,
    case: Inspection,
) -> None:
    """The detailed check of one constraint, best practice and warnings included."""
    profile, key, value = element.profile, constraint.get("key", ""), item.value
    needed = _ONLY_WITH.get(key)
    if needed is not None and isinstance(value, dict) and needed not in value:
        return
    try:
        compiled = case.knowledge.expressions.compiled(constraint["expression"], context_type)
        answer = compiled.test(
            value,
            sibling=item.sibling if isinstance(item.sibling, dict) else None,
            resource=case.scope.resource,
            root_resource=case.scope.root,
            resolve=case.scope.resolve,
        )
    except NotEvaluated as error:
        case.report.warning("invariant-not-checked", "not-supported", item.location, profile,
                            key=key, reason=error.why)  # fmt: skip
        return
    except Exception as error:  # an expression of a profile must not end a validation
        case.report.warning("invariant-not-checked", "processing", item.location, profile,
                            key=key, reason=why_not(error))  # fmt: skip
        return
    # An empty answer keeps no rule (docs/spec-clarifications.md); published rules that are empty where they
    # have nothing to say are read as they are meant (`errata.py`).
    if answer is not True:
        is_error = severity_of(constraint) == "error"
        for place in _places_of(key, item, compiled, case):
            case.report.add(
                "invariant" if is_error else "invariant-warning",
                "error" if is_error else "warning", "invariant", place, profile,
                key=shown(key) if key else because("because-without-key"),
                human=_told(constraint), rule=shown(constraint["expression"], 500),
            )  # fmt: skip


def _places_of(
    key: str, item: Item, compiled: CompiledExpression, case: Inspection
) -> Iterable[str]:
    """Where a constraint is broken: `dom-3` says something of each contained resource, and is told where
    one does not keep it by itself; the others are told of the whole.
    """
    contained = item.value.get("contained") if key == _OF_EACH_CONTAINED else None
    found = [
        f"{item.location}.contained[{index}]"
        for index, one in enumerate(contained if isinstance(contained, list) else ())
        if not compiled.test(
            {**item.value, "contained": [one]},
            resource=case.scope.resource,
            root_resource=case.scope.root,
            resolve=case.scope.resolve,
        )
    ]
    return found or (item.location,)
