"""How each kind of resource is recognised in every message: rules that message maps name by `identity:`.

No rule rests on a name or a birth date.
"""

from collections.abc import Callable, Mapping
from hashlib import sha256
from types import MappingProxyType
from typing import Any

from ingest.mapping.assembly import Assembly, Built, Identify
from ingest.mapping.centres import SID
from ingest.mapping.identifiers import FR_CORE_0203, NATIONAL_PSEUDONYM, V2_0203
from ingest.mapping.identity import Identity
from ingest.mapping.patient_numbers import numbers_of_others
from ingest.mapping.scopes import Scope

_RULES: dict[str, Identify] = {}
ICD_O = "http://terminology.hl7.org/CodeSystem/icd-o-3"
LATERALITY = "https://osteon.example/fhir/StructureDefinition/laterality"


def identity_rule(name: str) -> Callable[[Identify], Identify]:
    """Make a rule known to the message maps."""

    def register(rule: Identify) -> Identify:
        _RULES[name] = rule
        return rule

    return register


def identity_rules() -> Mapping[str, Identify]:
    """All rules by name."""
    return MappingProxyType(_RULES)


def type_codes(identifier: Mapping[str, Any]) -> set[tuple[str, str]]:
    """System and code of each coding of an identifier's type."""
    codings = identifier.get("type", {}).get("coding", ())
    return {(coding.get("system", ""), coding.get("code", "")) for coding in codings}


def _identity(identifier: Mapping[str, Any]) -> Identity | None:
    if not identifier.get("system") or not identifier.get("value"):
        return None
    return Identity(identifier["system"], identifier["value"])


def _first(identifiers: list[dict[str, Any]], *types: tuple[str, str]) -> Identity | None:
    for wanted in types:
        for identifier in identifiers:
            if wanted in type_codes(identifier):
                found = _identity(identifier)
                if found is not None:
                    return found
    return None


INS_TYPES = tuple(
    (FR_CORE_0203, code) for code in ("INS-NIR", "INS-NIA", "INS-NIR-TEST", "INS-NIR-DEMO")
)
FINDING_TYPES = frozenset({*INS_TYPES, (V2_0203, "PI")})


@identity_rule("patient")
def patient(assembly: Assembly, _scope: Scope, target: dict[str, Any]) -> Identity | None:
    """The national identity (filled on qualified identities only), else the number of a hospital, else the
    pseudonym that the network gave.

    Shape: a hospital that gives the number of another centre is held.
    """
    identifiers = target.get("identifier", [])
    held = assembly.context.held
    held += [one for one in numbers_of_others(assembly.context, identifiers) if one not in held]
    numbered = _first(identifiers, *INS_TYPES, (V2_0203, "PI"))
    return numbered or next(filter(None, map(_identity, filter(is_national, identifiers))), None)


def finds_patient(identifier: Mapping[str, Any]) -> bool:
    """Whether a patient is looked for by an identifier: an INS, the number of a hospital, the pseudonym."""
    numbered = bool(identifier.get("system") and type_codes(identifier) & FINDING_TYPES)
    return numbered or is_national(identifier)


def is_national(identifier: Mapping[str, Any]) -> bool:
    """Whether it is the national pseudonym: those for partners are valid in their own context only."""
    return identifier.get("system") == NATIONAL_PSEUDONYM


@identity_rule("first-identifier")
def first_identifier(_assembly: Assembly, _scope: Scope, target: dict[str, Any]) -> Identity | None:
    """The first identifier that has a system."""
    found = (_identity(identifier) for identifier in target.get("identifier", ()))
    return next((one for one in found if one is not None), None)


@identity_rule("filler")
def filler(assembly: Assembly, scope: Scope, target: dict[str, Any]) -> Identity | None:
    """The number given by who does the work (FILL), else the first identifier."""
    found = _first(target.get("identifier", []), (V2_0203, "FILL"))
    return found or first_identifier(assembly, scope, target)


@identity_rule("placer")
def placer(assembly: Assembly, scope: Scope, target: dict[str, Any]) -> Identity | None:
    """The number given by who asks (PLAC), else by who does the work."""
    found = _first(target.get("identifier", []), (V2_0203, "PLAC"))
    return found or filler(assembly, scope, target)


@identity_rule("document")
def document(_assembly: Assembly, _scope: Scope, target: dict[str, Any]) -> Identity | None:
    """The unique number of a document."""
    return _identity(target.get("masterIdentifier", {}))


@identity_rule("content-of-patient")
def content_of_patient(
    _assembly: Assembly, scope: Scope, target: dict[str, Any]
) -> Identity | None:
    """The patient and the code: what outlives a stay (allergies) is said again at the next one."""
    return _derived(scope.resource("patient"), target)


@identity_rule("content")
def content(_assembly: Assembly, scope: Scope, target: dict[str, Any]) -> Identity | None:
    """The first number; else the stay or patient, the code and the day."""
    numbered = next((one for i in target.get("identifier", ()) if (one := _identity(i))), None)
    if numbered is not None:
        return numbered
    return _derived(scope.resource("encounter") or scope.resource("patient"), target)


def _derived(owner: Built | None, target: dict[str, Any]) -> Identity | None:
    codings = target.get("code", {}).get("coding", ())
    code = codings[0].get("code", "") if codings else target.get("code", {}).get("text", "")
    if owner is None or not code:
        return None
    day = target.get("performedDateTime", "")[:10]
    value = sha256("\n".join((owner.identity.token, code, day)).encode()).hexdigest()[:32]
    identity = Identity(f"{SID}/{target['resourceType'].lower()}-derived", value)
    target["identifier"] = [{"system": identity.system, "value": identity.value}]
    return identity


@identity_rule("specimen-of-order")
def specimen_of_order(_assembly: Assembly, scope: Scope, target: dict[str, Any]) -> Identity | None:
    """A specimen without a number of its own (OBR-15): the patient, and the numbers of the order."""
    owner = scope.resource("patient")
    order = scope.visible().get("OBR")
    numbers = [_text(order, number) for number in (3, 2)]
    if owner is None or not any(numbers):
        return None
    value = sha256("\n".join((owner.identity.token, *numbers)).encode()).hexdigest()[:32]
    identity = Identity(f"{SID}/specimen-derived", value)
    target["identifier"] = [{"system": identity.system, "value": identity.value}]
    return identity


@identity_rule("tumour")
def tumour(assembly: Assembly, scope: Scope, target: dict[str, Any]) -> Identity | None:
    """The network's number of the tumour where the message has it; else patient, site and side.

    One tumour per patient, site and side, whatever its morphology: a second reading that names another
    entity revises the tumour and does not make a second one. See docs/decisions.
    """
    numbered = first_identifier(assembly, scope, target)
    if numbered is not None:
        return numbered
    owner = scope.resource("patient")
    site = topography(target)
    if owner is None or not site:
        return Identity(f"{SID}/tumour-derived", f"incomplete-{len(assembly.built)}")
    parts = (owner.identity.token, site, laterality(target))
    value = sha256("\n".join(parts).encode()).hexdigest()[:32]
    identity = Identity(f"{SID}/tumour-derived", value)
    target["identifier"] = [{"system": identity.system, "value": identity.value}]
    return identity


def topography(target: Mapping[str, Any]) -> str:
    """The ICD-O site of a tumour; empty where it has none."""
    for site in target.get("bodySite", ()):
        for coding in site.get("coding", ()):
            if coding.get("system") == ICD_O:
                return str(coding.get("code", ""))
    return ""


def laterality(target: Mapping[str, Any]) -> str:
    """The side of a tumour; empty where it is not said."""
    for site in target.get("bodySite", ()):
        for extension in site.get("extension", ()):
            if extension["url"] == LATERALITY:
                return str(extension["valueCodeableConcept"]["coding"][0].get("code", ""))
    return ""


@identity_rule("observation")
def observation(assembly: Assembly, scope: Scope, target: dict[str, Any]) -> Identity | None:
    """The observation's own number (OBX-21), else report, order, code, sub-id and place among equals.

    OBX-3 with OBX-14, and OBX-3 with OBX-4, are not unique in real synoptic reports.
    """
    own = first_identifier(assembly, scope, target)
    if own is not None:
        return own
    report = scope.resource("report")
    if report is None:
        return None
    visible = scope.visible()
    key = (
        report.identity.token,
        _text(visible.get("OBR"), 4),
        _text(visible.get("OBX"), 3),
        _text(visible.get("OBX"), 4),
    )
    assembly.ordinals[key] += 1
    parts = (report.identity.value, *key[1:], str(assembly.ordinals[key]))
    identity = Identity(_observation_system(report.identity.system), "/".join(parts))
    target.setdefault("identifier", []).append({"system": identity.system, "value": identity.value})
    return identity


def _observation_system(report_system: str) -> str:
    if "/report/" in report_system:
        return report_system.replace("/report/", "/observation/")
    return f"{SID}/observation/{sha256(report_system.encode()).hexdigest()[:12]}"


def _text(segment: Any, number: int) -> str:
    return (segment.text(number) or "") if segment is not None else ""


@identity_rule("message")
def message(_assembly: Assembly, _scope: Scope, target: dict[str, Any]) -> Identity | None:
    """The sender and the control id of the message itself."""
    for entity in target.get("entity", ()):
        found = _identity(entity.get("what", {}).get("identifier", {}))
        if found is not None:
            return found
    return None
