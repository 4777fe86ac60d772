"""Systems and codes of the network's profiles, as dictionaries ready for a FHIR model.

Source: docs/profiles.md.
"""

from typing import Any

from fhir_server.demo.entities import ENTITIES
from fhir_server.demo.records import Laterality
from fhir_server.demo.sites import Site

BASE = "https://osteon.example/fhir"
PROFILE = f"{BASE}/StructureDefinition"
CODE_SYSTEM = f"{BASE}/CodeSystem"
SID = "https://osteon.example/sid"

CENTRE_SYSTEM = f"{SID}/centre"
PSEUDONYM_SYSTEM = f"{SID}/pseudonym/network"
TUMOUR_SYSTEM = f"{SID}/tumour"
FOLLOW_UP_SYSTEM = f"{SID}/follow-up"

ICD_O = "http://terminology.hl7.org/CodeSystem/icd-o-3"
ICD_O_EDITION = "3.2"
ICD_10 = "http://hl7.org/fhir/sid/icd-10"
LOINC = "http://loinc.org"
SNOMED = "http://snomed.info/sct"
UCUM = "http://unitsofmeasure.org"
V2_0203 = "http://terminology.hl7.org/CodeSystem/v2-0203"
OBSERVATION_VALUE = "http://terminology.hl7.org/CodeSystem/v3-ObservationValue"
FR_CORE_0203 = "https://hl7.fr/ig/fhir/core/CodeSystem/fr-core-cs-v2-0203"
INS_DEMO_SYSTEM = "urn:oid:1.2.250.1.213.1.4.11"
ASSERTED_DATE = "http://hl7.org/fhir/StructureDefinition/condition-assertedDate"

Json = dict[str, Any]


def concept(system: str, code: str, *, text: str | None = None, **coding: str) -> Json:
    """A CodeableConcept of one coding."""
    value: Json = {"coding": [{"system": system, "code": code, **coding}]}
    if text is not None:
        value["text"] = text
    return value


def morphology(code: str) -> Json:
    """An ICD-O-3 morphology."""
    entity = ENTITIES[code]
    return concept(ICD_O, code, version=ICD_O_EDITION, display=entity.label, text=entity.french)


def icd10_code(morphology_code: str, site: Site) -> str:
    """The ICD-10 category by behaviour: benign, uncertain, or malignant at its site."""
    behaviour = morphology_code[-1]
    return {"0": "D16", "1": "D48.0"}.get(behaviour, site.topography)


def body_site(site: Site, laterality: Laterality | None) -> Json:
    """The ICD-O-3 topography, the bone in SNOMED CT where a code is verified, and the side."""
    codings = [
        {
            "system": ICD_O,
            "version": ICD_O_EDITION,
            "code": site.topography,
            "display": site.topography_label,
        }
    ]
    if site.snomed:
        codings.append({"system": SNOMED, "code": site.snomed})
    value: Json = {"coding": codings, "text": site.french}
    if laterality:
        side = concept(f"{CODE_SYSTEM}/laterality", laterality)
        value["extension"] = [{"url": f"{PROFILE}/laterality", "valueCodeableConcept": side}]
    return value


def identifier(system: str, value: str) -> Json:
    """An identifier without a type."""
    return {"system": system, "value": value}
