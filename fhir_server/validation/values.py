"""Values on the fast path: what an element asks of a value itself, and the scans of the kinds of values."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from fhir_server.validation.check import Check
from fhir_server.validation.doubts import (
    EVERYTHING,
    Doubtful,
    ObjectDoubts,
    ObjectScan,
    ValueDoubts,
    ValueScan,
)
from fhir_server.validation.element import Element
from fhir_server.validation.inspection import Conforms
from fhir_server.validation.knowledge import Knowledge
from fhir_server.validation.rule import Rule, broken, checked, keeps_all, rule
from fhir_server.validation.rules.attachments import compile_attachment, explain_attachment
from fhir_server.validation.rules.bindings import compile_binding, explain_binding
from fhir_server.validation.rules.bounds import compile_bounds, explain_bounds
from fhir_server.validation.rules.codings import compile_coding, explain_coding
from fhir_server.validation.rules.fixed import compile_fixed, explain_fixed
from fhir_server.validation.rules.identifiers import compile_identifier, explain_identifier
from fhir_server.validation.rules.invariants import invariant_rules
from fhir_server.validation.rules.narrative import compile_narrative, explain_narrative
from fhir_server.validation.rules.primitives import Form
from fhir_server.validation.rules.quantities import (
    QUANTITIES,
    compile_quantity,
    explain_quantity,
)
from fhir_server.validation.rules.references import compile_reference, explain_reference
from fhir_server.validation.scope import Scope


class ValueRules(NamedTuple):
    """What is asked of a value beside its form or content, in the order of its explanation: by its type,
    fixed values and bindings; then the invariants.
    """

    own: tuple[Rule, ...]
    invariants: tuple[Rule, ...]


def rules_of(
    element: Element,
    type_code: str,
    knowledge: Knowledge,
    conforms: Conforms,
    *,
    silent: bool,
) -> ValueRules:
    """The rules about the values of an element that are of one type."""
    own = _rules_of_type(element, type_code, knowledge, conforms, silent=silent)
    if element.is_fixed:
        own.append(rule(compile_fixed(element), explain_fixed))
    if element.definition.get("binding"):
        checks = compile_binding(element, type_code, knowledge, silent=silent)
        own.append(rule(checks, explain_binding))
    if "." not in element.path:
        # Those of a whole resource or type belong to its object.
        return ValueRules(tuple(own), ())
    context = element.model_type if len(element.types) == 1 else type_code
    return ValueRules(tuple(own), invariant_rules(element, context, knowledge, silent=silent))


def _rules_of_type(
    element: Element, type_code: str, knowledge: Knowledge, conforms: Conforms, *, silent: bool
) -> list[Rule]:
    ref = element.type_ref(type_code)
    match type_code:
        case "xhtml":
            return [Rule(compile_narrative(), explain_narrative)]
        case "Coding":
            return [Rule(compile_coding(knowledge, silent=silent), explain_coding)]
        case "Attachment":
            return [Rule(compile_attachment(), explain_attachment)]
        case "Identifier":
            return [Rule(compile_identifier(silent=silent), explain_identifier)]
        case "Reference" if ref is not None:
            return [rule(compile_reference(ref, knowledge, conforms), explain_reference)]
        case _ if type_code in QUANTITIES:
            unit = Rule(compile_quantity(knowledge, silent=silent), explain_quantity)
            return [unit, rule(compile_bounds(element), explain_bounds)]
        case _:
            return []


def doubt_all(_value: Any, _scope: Scope, _place: Element) -> Doubtful | None:
    """The scan of what the fast path cannot judge."""
    return EVERYTHING


def scan_of_primitive(form: Form, rules: Sequence[Rule]) -> ValueScan:
    """The scan of a primitive. Of a value that has not its form nothing is known."""
    asked = checked(rules)
    if not asked:
        return lambda value, _scope, _place: None if form(value) else EVERYTHING
    keeps = keeps_all(asked)

    def scan(value: Any, scope: Scope, place: Element) -> Doubtful | None:
        if not form(value):
            return EVERYTHING
        if keeps(value, scope, place):
            return None
        return ValueDoubts((), broken(asked, value, scope, place))

    return scan


def scan_of_check(check: Check) -> ValueScan:
    """The scan of what one check passes or not, such as a resource."""
    return lambda value, scope, place: None if check(value, scope, place) else EVERYTHING


def scan_of_content(parts: Sequence[ValueScan], rules: Sequence[Rule]) -> ValueScan:
    """The scan of a value with content, which is held against one element or several."""
    asked = checked(rules)
    content, others = parts[0], parts[1:]
    if not asked and not others:
        return content
    keeps = keeps_all(asked)

    def scan(value: Any, scope: Scope, place: Element) -> Doubtful | None:
        found = content(value, scope, place)
        if keeps(value, scope, place):
            return found
        return _together([found], broken(asked, value, scope, place))

    def scan_all(value: Any, scope: Scope, place: Element) -> Doubtful | None:
        found = [part(value, scope, place) for part in parts]
        is_kept = keeps(value, scope, place)
        return _together(found, () if is_kept else broken(asked, value, scope, place))

    return scan_all if others else scan


def _together(found: Sequence[Doubtful | None], rules: tuple[Rule, ...]) -> Doubtful | None:
    parts: list[ObjectDoubts] = []
    for doubts in found:
        if doubts is EVERYTHING:
            return EVERYTHING
        if isinstance(doubts, ObjectDoubts):
            parts.append(doubts)
    return ValueDoubts(parts, rules) if parts or rules else None


def any_of(scans: Sequence[ObjectScan]) -> Check:
    """Whether a value passes one scan of several without a doubt."""
    return lambda value, scope, place: any(scan(value, scope, place) is None for scan in scans)


def at(element: Element, scan: Callable[[Any, Scope, Element], Any]) -> ValueScan:
    """A scan for which the value stands at another element than the one it is found at."""
    return lambda value, scope, _place: scan(value, scope, element)
