"""$validate-code: whether a code is in a value set, or in a code system, and its display is right.

Source: https://hl7.org/fhir/R4/valueset-operation-validate-code.html,
https://hl7.org/fhir/R4/codesystem-operation-validate-code.html
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from fhir_server.model.issues import (
    Issue,
    Language,
    Reason,
    Reasons,
    because,
    error,
    operation_outcome,
    refuse,
    warning,
)
from fhir_server.terminology.code_system import CodeSystem, Concept
from fhir_server.terminology.display import alike, display_in
from fhir_server.terminology.expansion import Expansion
from fhir_server.terminology.listing import Listing
from fhir_server.terminology.operations.dates import present_date
from fhir_server.terminology.operations.parameters import (
    Coding,
    OperationParameters,
    Resource,
    missing,
    parameters,
)
from fhir_server.terminology.operations.subjects import asked_coding, value_set_of, versioned
from fhir_server.terminology.terminology import Terminology

_COMMON = frozenset(
    {"code", "display", "coding", "codeableConcept", "abstract", "displayLanguage", "date"}
)
TAKES: dict[Literal["ValueSet", "CodeSystem"], frozenset[str]] = {
    "ValueSet": _COMMON
    | {"url", "valueSet", "valueSetVersion", "system", "systemVersion", "context"},
    "CodeSystem": _COMMON | {"url", "codeSystem", "version"},
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer for one coding; `faults` say why it is no, or why it cannot be told."""

    coding: Coding
    display: str | None = None
    faults: Sequence[Issue] = ()
    unknown_system: str | None = None

    @property
    def is_valid(self) -> bool:
        """Whether the coding holds."""
        return not any(fault.severity == "error" for fault in self.faults)


@dataclass(frozen=True, slots=True)
class _Wishes:
    allows_abstract: bool
    language: str | None


Check = Callable[[Coding], Verdict]


def validate_code(
    terminology: Terminology,
    content: Any,
    instance: Resource | None = None,
    *,
    kind: Literal["ValueSet", "CodeSystem"] = "ValueSet",
    language: Language = "en",
) -> Resource:
    """Whether a code, a Coding or one coding of a CodeableConcept is valid, with its display.

    Shape: Parameters in, Parameters with `result`, `message`, `display`, `code`, `system` out; a code
    whose system is not available is not valid, and `x-caused-by-unknown-system` tells so.
    Errors: Refused 400 where no code is said, 404 for a value set or code system that is not known,
    422 for a date that is past.
    """
    asked = OperationParameters(content, TAKES[kind])
    present_date(asked)
    wishes = _Wishes(asked.flag("abstract") or False, asked.text("displayLanguage"))
    codings = _codings(asked)
    check = (
        _in_value_set(terminology, value_set_of(terminology, asked, instance), wishes)
        if kind == "ValueSet"
        else _in_code_system(terminology, asked, instance, wishes)
    )
    verdicts = [check(coding) for coding in codings]
    return _answer(next((v for v in verdicts if v.is_valid), None), verdicts, language)


def _codings(asked: OperationParameters) -> list[Coding]:
    listed = asked.codings("codeableConcept")
    if listed is not None:
        return listed
    coding = asked_coding(asked)
    if coding is None:
        raise missing("code", "coding", "codeableConcept")
    version, display = asked.text("systemVersion"), asked.text("display")
    return [replace(coding, version=coding.version or version, display=coding.display or display)]


def _in_value_set(terminology: Terminology, value_set: Resource, wishes: _Wishes) -> Check:
    expansion = terminology.expansion_of_resource(value_set)
    listing = Listing(terminology, value_set, expansion)
    name = value_set.get("url", "?")

    def check(coding: Coding) -> Verdict:
        found = coding if coding.system else replace(coding, system=_inferred(expansion, coding))
        system = found.system
        if system is None:
            held = expansion.contains_code(coding.code)
        else:
            held = terminology.holds(expansion, value_set.get("url", ""), system, coding.code)
        if held is None:
            return _untold(found, system or "", _reason(expansion, system))
        if not held:
            fault = error("code-not-in-value-set", "code-invalid", concept=coding.code[:100],
                          system=system or "?", url=name)  # fmt: skip
            return Verdict(found, faults=(fault,))
        index = _version_of(terminology, found) or listing.index(system or "")
        return _judged(
            terminology, index, found, wishes, listing.displays(system or "", coding.code)
        )

    return check


def _inferred(expansion: Expansion, coding: Coding) -> str | None:
    """The one system of the value set that has a bare code; none where several have."""
    found = [s for s in expansion.systems() if s and expansion.contains(s, coding.code)]
    return found[0] if len(found) == 1 else None


def _reason(expansion: Expansion, system: str | None) -> Reason | Reasons:
    reasons = expansion.unavailable
    if system is not None and system in reasons:
        return reasons[system]
    return Reasons(tuple(reasons.values()))


def _in_code_system(
    terminology: Terminology,
    asked: OperationParameters,
    instance: Resource | None,
    wishes: _Wishes,
) -> Check:
    sent = instance or asked.resource("codeSystem", "CodeSystem")
    url = sent["url"] if sent is not None else asked.text("url")
    own = CodeSystem(sent) if sent is not None else None

    def check(coding: Coding) -> Verdict:
        system = url or coding.system
        if system is None:
            raise missing("url", "coding.system")
        if coding.system not in {None, system}:
            fault = error("coding-of-other-system", "code-invalid", system=coding.system or "",
                          expected=system)  # fmt: skip
            return Verdict(coding, faults=(fault,))
        version = coding.version or asked.text("version")
        found = replace(coding, system=system)
        index = own or terminology.code_system(versioned(system, version))
        if index is None and terminology.knows_code(system, coding.code) is None:
            if asked.text("url") is not None or coding.system is None:
                return _untold(found, system, because("because-system-not-loaded", system=system))
            raise refuse(404, "code-system-not-found", "not-found", system=system[:200])
        return _judged(terminology, index, found, wishes, ())

    return check


def _version_of(terminology: Terminology, coding: Coding) -> CodeSystem | None:
    if coding.system is None or coding.version is None:
        return None
    return terminology.code_system(f"{coding.system}|{coding.version}")


def _judged(
    terminology: Terminology,
    index: CodeSystem | None,
    coding: Coding,
    wishes: _Wishes,
    stated: Sequence[str],
) -> Verdict:
    """The verdict on a code as its system knows it: it exists, may be chosen, and is named so."""
    system = coding.system or ""
    concept = _concept(index, coding.code)
    if concept is None and not stated:
        known = terminology.knows_code(system, coding.code) if index is None else False
        if index is not None and not index.is_complete:
            return _untold(coding, system, because("because-system-in-part", system=system))
        if not known:
            fault = error(
                "code-not-found", "code-invalid", concept=coding.code[:100], system=system
            )
            return Verdict(coding, faults=(fault,))
        return Verdict(coding)
    names = [*stated, *((concept.display, *concept.designations) if concept else ())]
    known_names = [name for name in names if name]
    shown = display_in(concept, wishes.language) if concept and wishes.language else None
    shown = shown or next(iter(known_names), None)
    faults: list[Issue] = []
    if concept and index and index.is_abstract(concept.code) and not wishes.allows_abstract:
        faults.append(error("code-abstract", "business-rule", concept=coding.code, system=system))
    if concept and index and index.is_inactive(concept.code):
        faults.append(warning("code-inactive", "business-rule", concept=coding.code, system=system))
    if coding.display and known_names and alike(coding.display) not in map(alike, known_names):
        faults.append(error("code-display-wrong", "invalid", display=coding.display[:200],
                            expected=shown or "", concept=coding.code, system=system))  # fmt: skip
    return Verdict(coding, shown, tuple(faults))


def _concept(index: CodeSystem | None, code: str) -> Concept | None:
    spelling = index.spelling(code) if index is not None else None
    return index.concepts[spelling] if index is not None and spelling is not None else None


def _untold(coding: Coding, system: str, reason: Reason | Reasons) -> Verdict:
    fault = error("code-cannot-be-checked", "not-found", concept=coding.code[:100], reason=reason)
    return Verdict(coding, faults=(fault,), unknown_system=system)


def _answer(valid: Verdict | None, verdicts: Sequence[Verdict], language: Language) -> Resource:
    verdict = valid or verdicts[0]
    faults = [f for v in ([valid] if valid else verdicts) for f in v.faults]
    message = " ".join(fault.text(language) for fault in faults) or None
    answer = parameters(
        ("result", "Boolean", valid is not None),
        ("code", "Code", verdict.coding.code),
        ("system", "Uri", verdict.coding.system),
        ("version", "String", verdict.coding.version),
        ("display", "String", verdict.display),
        ("message", "String", message),
        ("x-caused-by-unknown-system", "Canonical", verdict.unknown_system or None),
    )
    if faults:
        answer["parameter"].append(
            {"name": "issues", "resource": operation_outcome(faults, language)}
        )
    return answer
