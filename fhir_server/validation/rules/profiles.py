"""Profiles that are claimed or asked for: known, and themselves free of faults.

Source: FHIR R4 Meta.profile, https://hl7.org/fhir/R4/resource.html#Meta
"""

from collections.abc import Mapping
from typing import Any

from fhir_server.definitions import Definitions
from fhir_server.validation.knowledge import Knowledge
from fhir_server.validation.plans import Plans
from fhir_server.validation.report import Report
from fhir_server.validation.scope import Scope


def global_profiles(definitions: Definitions) -> Mapping[str, tuple[str, ...]]:
    """The profiles that the loaded implementation guides ask of every resource of a type, by type.

    Source: FHIR R4 ImplementationGuide.global,
    https://hl7.org/fhir/R4/implementationguide-definitions.html#ImplementationGuide.global
    """
    found: dict[str, dict[str, None]] = {}
    for guide in definitions.all("ImplementationGuide"):
        for entry in guide.get("global") or ():
            if isinstance(entry, dict) and {"type", "profile"} <= entry.keys():
                found.setdefault(entry["type"], {})[entry["profile"]] = None
    return {kind: tuple(urls) for kind, urls in found.items()}


def claimed_profiles(resource: Mapping[str, Any]) -> tuple[str, ...]:
    """The profiles that a resource claims, as far as they are texts."""
    return tuple(profile for profile in _claims(resource) if isinstance(profile, str))


def _claims(resource: Mapping[str, Any]) -> list[Any]:
    meta = resource.get("meta")
    profiles = meta.get("profile") if isinstance(meta, dict) else None
    return profiles if isinstance(profiles, list) else []


def _place_of_claim(url: str, place: str, resource: Mapping[str, Any]) -> str:
    """Where a resource claims a profile; itself where a guide claims that for it."""
    claims = _claims(resource)
    return f"{place}.meta.profile[{claims.index(url)}]" if url in claims else place


def explain_claim(url: str, place: str, knowledge: Knowledge, scope: Scope, report: Report) -> None:
    """Says that a profile which a resource claims is broken or not known. The latter is as severe as those
    who validate want it (`Strictness`) for the resource that is sent, and a warning for one that it only
    carries: that one answers for itself where it is stored.
    """
    plans, at = knowledge.plans, _place_of_claim(url, place, scope.resource)
    is_warning = scope.outer is not None or knowledge.strictness.profiles == "warning"
    if is_warning and plans.fault(url) is None:
        report.warning("profile-not-checked", "not-found", at, url, profile=url)
    else:
        explain_missing(url, at, url, plans, report)


def explain_missing(url: str, location: str, profile: str, plans: Plans, report: Report) -> None:
    """Says why there is no plan for a profile: it is not known, or it is broken."""
    fault = plans.fault(url)
    if fault is not None:
        report.error(fault.reason, "processing", location, profile, **fault.parameters)
    else:
        report.error("profile-unknown", "not-found", location, profile, profile=url)
