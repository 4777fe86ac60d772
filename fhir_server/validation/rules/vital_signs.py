"""Vital signs: an Observation with the code of one conforms to its profile, whether it claims that or not.

Source: FHIR R4 vital signs, https://hl7.org/fhir/R4/observation-vitalsigns.html
"""

from typing import Any

from fhir_server.definitions.definitions import STRUCTURE_BASE

_LOINC = "http://loinc.org"
_PROFILES = {
    "85353-1": "vitalspanel", "9279-1": "resprate", "8867-4": "heartrate", "2708-6": "oxygensat",
    "8310-5": "bodytemp", "8302-2": "bodyheight", "9843-4": "headcircum", "29463-7": "bodyweight",
    "39156-5": "bmi", "85354-9": "bp",
}  # fmt: skip
"""The profile of each "magic value" of LOINC."""


def vital_sign_profiles(resource: dict[str, Any]) -> tuple[str, ...]:
    """The profiles that an Observation is bound to by its code."""
    code = resource.get("code")
    codings = code.get("coding") if isinstance(code, dict) else None
    if not isinstance(codings, list):
        return ()
    named = (_profile_of(coding) for coding in codings if isinstance(coding, dict))
    return tuple(STRUCTURE_BASE + name for name in named if name is not None)


def _profile_of(coding: dict[str, Any]) -> str | None:
    code = coding.get("code")
    if coding.get("system") != _LOINC or not isinstance(code, str):
        return None
    return _PROFILES.get(code)
