"""Patients made from the journeys: some resemble those whom a question asks for, some are in other words.

Each is a journey under other numbers, changed in one respect.
"""

import re
from collections.abc import Callable
from copy import deepcopy
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from fhir_server.model.json_source import encode_json, parse_json
from tests.profiles.network import ROOT, Resource

_UUID = re.compile(r"urn:uuid:([0-9a-f-]{36})")
Change = Callable[[Resource], None]


def look_alike(journey: str, name: str, change: Change) -> Resource:
    """A journey as another patient's, with each resource changed in place by `change`.

    Shape: identifiers end with `-name`; centres stay the ones that they are.
    """
    text = (ROOT / "examples" / "journeys" / f"{journey}.json").read_text(encoding="utf-8")
    renamed = _UUID.sub(lambda found: f"urn:uuid:{uuid5(NAMESPACE_URL, found[1] + name)}", text)
    bundle: Resource = parse_json(renamed.encode())
    for entry in bundle["entry"]:
        resource = entry["resource"]
        if resource["resourceType"] != "Organization":
            for identifier in resource["identifier"]:
                identifier["value"] += f"-{name}"
            entry["request"]["ifNoneExist"] += f"-{name}"
        change(resource)
    return bundle


def with_code(profile: str, code: str, other: str) -> Change:
    """Another code, wherever a resource of a profile has the one."""

    def change(resource: Resource) -> None:
        if resource["meta"]["profile"][0].endswith(f"/{profile}"):
            replaced = encode_json(resource).replace(f'"{code}"'.encode(), f'"{other}"'.encode())
            resource.update(parse_json(replaced))

    return change


def with_time_since_surgery(months: int) -> Change:
    """An event so many months after surgery."""

    def change(resource: Resource) -> None:
        for extension in resource.get("extension", ()):
            if extension["url"].endswith("/time-since-surgery"):
                extension["valueQuantity"]["value"] = months

    return change


def with_consent_status(status: str) -> Change:
    """Consents that are no longer, or not yet, in force."""

    def change(resource: Resource) -> None:
        if resource["resourceType"] == "Consent":
            resource["status"] = status

    return change


def with_permission_until(end: str) -> Change:
    """Consents whose decision ends on a day."""

    def change(resource: Resource) -> None:
        if resource["resourceType"] == "Consent":
            resource["provision"]["period"] = {"start": "2020", "end": end}

    return change


def with_element(profile: str, name: str, value: Any) -> Change:
    """Another value of an element, in every resource of a profile."""

    def change(resource: Resource) -> None:
        if resource["meta"]["profile"][0].endswith(f"/{profile}"):
            resource[name] = value

    return change


def with_verification(profile: str, code: str) -> Change:
    """Conditions of a profile that were refuted, or entered in error."""
    coding = {"system": "http://terminology.hl7.org/CodeSystem/condition-ver-status", "code": code}
    return with_element(profile, "verificationStatus", {"coding": [coding]})


def refused_sharing(resource: Resource) -> None:
    """Sharing with a partner is refused, other uses are not."""
    uses = deepcopy(resource.get("category", [{}]))[0].get("coding", [{}])
    if resource["resourceType"] == "Consent" and uses[0]["code"] == "partner-sharing":
        resource["provision"]["type"] = "deny"


ABSENT = {"coding": [{"system": "http://loinc.org", "code": "LA9634-2"}]}
RESEMBLING = (
    look_alike("chordoma-sacrum", "agreed", with_code("reading-concordance", "complete", "concordant")),
    look_alike("chordoma-sacrum", "chondroma", with_code("primary-bone-tumour", "9370/3", "9220/3")),
    look_alike("chordoma-sacrum", "mistaken",
               with_element("reading-concordance", "status", "entered-in-error")),
    look_alike("chordoma-sacrum", "refuted", with_verification("primary-bone-tumour", "refuted")),
    look_alike("ewing-fusion", "negative", with_code("gene-fusion", "EWSR1::FLI1", "none-found")),
    look_alike("ewing-fusion", "refused", refused_sharing),
    look_alike("ewing-fusion", "withdrawn", with_consent_status("inactive")),
    look_alike("ewing-fusion", "rejected", with_consent_status("rejected")),
    look_alike("ewing-fusion", "ended", with_permission_until("2026-11-21")),
    look_alike("ewing-fusion", "fixed", with_code("bone-tumour-specimen", "tissue-frozen", "ffpe-block")),
    look_alike("ewing-fusion", "absent", with_element("gene-fusion", "valueCodeableConcept", ABSENT)),
    look_alike("ewing-fusion", "worded",
               with_element("gene-fusion", "valueCodeableConcept", {"text": "pas de fusion"})),
    look_alike("ewing-fusion", "preliminary", with_element("gene-fusion", "status", "preliminary")),
    look_alike("ewing-fusion", "used-up", with_element("bone-tumour-specimen", "status", "unavailable")),
    look_alike("giant-cell-discordant", "planned", with_element("tumour-board", "status", "draft")),
    look_alike("chondrosarcoma-pelvis", "never", with_verification("tumour-event", "refuted")),
    look_alike("giant-cell-discordant", "late", with_code("tumour-board", "before-treatment", "other")),
    look_alike("chondrosarcoma-pelvis", "slow", with_time_since_surgery(14)),
    look_alike("chondrosarcoma-pelvis", "spread",
               with_code("tumour-event", "local-recurrence", "metastasis")),
)  # fmt: skip
"""Patients whom a question must leave out."""

IN_OTHER_WORDS = (
    look_alike("chordoma-sacrum", "chondroid", with_code("primary-bone-tumour", "9370/3", "9371/3")),
    look_alike("ewing-fusion", "legacy", with_code("primary-bone-tumour", "9364/3", "9260/3")),
    look_alike("ewing-fusion", "lasting", with_permission_until("2026-11-22")),
    look_alike("ewing-fusion", "fish", with_code("gene-fusion", "EWSR1::FLI1", "EWSR1-unknown")),
    look_alike("giant-cell-discordant", "early",
               with_code("tumour-board", "before-treatment", "before-biopsy")),
    look_alike("chondrosarcoma-pelvis", "edge", with_time_since_surgery(12)),
)  # fmt: skip
"""Patients whom a question must find."""
