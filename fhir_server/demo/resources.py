"""The network's records as FHIR R4 resources, checked by the models of `fhir.resources`.

Each resource claims the profile it conforms to. References to what the same Bundle holds are
`urn:uuid:`, all others are conditional references by identifier.
Source: docs/profiles.md.
"""

from datetime import date, datetime
from functools import cache
from importlib import import_module
from typing import Any
from uuid import NAMESPACE_URL, uuid5
from zoneinfo import ZoneInfo

from fhir_server.demo import terms
from fhir_server.demo.centres import Centre
from fhir_server.demo.entities import ENTITIES
from fhir_server.demo.records import DemoPatient, Tumour
from fhir_server.demo.terms import PROFILE, Json, concept, identifier


def checked(resource: Json) -> Json:
    """The resource, once its R4B model has taken one of its shape.

    Shape: R4 and R4B do not differ in the elements used here. What a model says of a resource depends
    on which elements stand where and of which type; their texts come from codes and dates of ours.
    Errors: pydantic's ValidationError, for a fault of the demo itself.
    Cost: a model takes 0.4 ms for a resource, its shape a fiftieth of that.
    """
    shape = _shape(resource)
    if shape not in _CHECKED:
        _model(resource["resourceType"]).model_validate(resource)
        _CHECKED.add(shape)
    return resource


_CHECKED: set[object] = set()
"""Shapes that a model has taken in this process."""


def _shape(value: object) -> object:
    if isinstance(value, dict):
        return tuple((name, _shape(inner)) for name, inner in value.items())
    if isinstance(value, list):
        return tuple(map(_shape, value))
    return value.__class__


@cache
def _model(resource_type: str) -> Any:
    module = import_module(f"fhir.resources.R4B.{resource_type.lower()}")
    return getattr(module, resource_type)


def urn(system: str, value: str) -> str:
    """The `urn:uuid:` by which a Bundle names the resource with this identifier, always the same."""
    return f"urn:uuid:{uuid5(NAMESPACE_URL, f'{system}|{value}')}"


def moment(local: datetime, zone: ZoneInfo) -> str:
    """A local time of a centre with its offset."""
    return local.replace(tzinfo=zone).isoformat(timespec="seconds")


def centre_reference(centre: Centre) -> Json:
    """The Organization of a centre, which is in the server already."""
    return {
        "reference": f"Organization?identifier={terms.CENTRE_SYSTEM}|{centre.id}",
        "display": centre.label,
    }


def organization(centre: Centre) -> Json:
    """A centre of the register."""
    role = [
        {"url": "role", "valueCode": centre.role},
        {"url": "period", "valuePeriod": {"start": centre.valid_from}},
    ]
    return {
        "resourceType": "Organization",
        "meta": {"profile": [f"{PROFILE}/network-centre"]},
        "extension": [{"url": f"{PROFILE}/centre-role", "extension": role}],
        "identifier": [identifier(terms.CENTRE_SYSTEM, centre.id)],
        "active": True,
        "name": centre.label,
    }


def patient(person: DemoPatient, centre: Centre, on: date) -> Json:
    """The patient as the clinical centre knows it on that day; a death is told whenever it was."""
    identity = person.identity
    resource: Json = {
        "resourceType": "Patient",
        "meta": {"profile": [f"{PROFILE}/bone-sarcoma-patient"]},
        "identifier": _patient_identifiers(person, centre),
        "active": True,
        "name": _names(person),
        "gender": identity.sex,
        "birthDate": person.birth_date_known_on(on),
        "managingOrganization": centre_reference(centre),
    }
    if person.died:
        resource["deceasedDateTime"] = person.died.isoformat()
    return resource


def _patient_identifiers(person: DemoPatient, centre: Centre) -> list[Json]:
    identity = person.identity
    identifiers: list[Json] = [
        {
            "use": "usual",
            "type": concept(terms.V2_0203, "PI"),
            **identifier(centre.authority("ipp").system, identity.ipp),
        },
        {
            "use": "secondary",
            "type": concept(terms.OBSERVATION_VALUE, "PSEUDED"),
            **identifier(terms.PSEUDONYM_SYSTEM, identity.pseudonym),
        },
    ]
    if identity.ins:
        ins_type = concept(terms.FR_CORE_0203, "INS-NIR-DEMO")
        ins = identifier(terms.INS_DEMO_SYSTEM, identity.ins)
        identifiers.insert(0, {"use": "official", "type": ins_type, **ins})
    return identifiers


def _names(person: DemoPatient) -> list[Json]:
    identity = person.identity
    given = list(identity.given_names)
    names: list[Json] = [{"use": "official", "family": identity.family_name, "given": given}]
    if identity.used_name:
        names.append({"use": "usual", "family": identity.used_name, "given": given[:1]})
    return names


def condition(tumour: Tumour, subject: Json, evidence: list[Json]) -> Json:
    """The tumour, with its final diagnosis; `evidence` refers to the reports of its first specimen."""
    code = terms.icd10_code(tumour.diagnosis.morphology, tumour.site)
    return {
        "resourceType": "Condition",
        "meta": {"profile": [f"{PROFILE}/primary-bone-tumour"]},
        "extension": [
            {
                "url": f"{PROFILE}/morphology",
                "valueCodeableConcept": terms.morphology(tumour.diagnosis.morphology),
            },
            {"url": terms.ASSERTED_DATE, "valueDateTime": tumour.diagnosed.isoformat()},
            {"url": f"{PROFILE}/tumour-number", "valuePositiveInt": tumour.number},
        ],
        "identifier": [identifier(terms.TUMOUR_SYSTEM, tumour.identifier)],
        "clinicalStatus": concept(
            "http://terminology.hl7.org/CodeSystem/condition-clinical", "active"
        ),
        "verificationStatus": concept(
            "http://terminology.hl7.org/CodeSystem/condition-ver-status", "confirmed"
        ),
        "code": concept(terms.ICD_10, code, text=_tumour_text(tumour)),
        "bodySite": [terms.body_site(tumour.site, tumour.laterality)],
        "subject": subject,
        "onsetDateTime": f"{tumour.first_symptoms:%Y-%m}",
        "recordedDate": tumour.diagnosed.isoformat(),
        "evidence": [{"detail": evidence}],
    }


def _tumour_text(tumour: Tumour) -> str:
    return f"{ENTITIES[tumour.diagnosis.morphology].french}, {tumour.site.french}"


def follow_up(person: DemoPatient, subject: Json, tumour: Json) -> Json:
    """How the disease stood at the last contact.

    Source: mCODE cancer disease status, LOINC 97509-4, whose SNOMED CT codes stand beside ours.
    """
    worse = person.died is not None
    status, snomed = ("progression", "271299001") if worse else ("stable", "359746009")
    value = concept(f"{terms.CODE_SYSTEM}/disease-status", status)
    value["coding"].append({"system": terms.SNOMED, "code": snomed})
    return {
        "resourceType": "Observation",
        "meta": {"profile": [f"{PROFILE}/disease-status"]},
        "extension": [{"url": f"{PROFILE}/tumour", "valueReference": tumour}],
        "identifier": [identifier(terms.FOLLOW_UP_SYSTEM, person.identity.pseudonym)],
        "status": "final",
        "code": concept(terms.LOINC, "97509-4"),
        "subject": subject,
        "effectiveDateTime": person.last_contact.isoformat(),
        "valueCodeableConcept": value,
    }
