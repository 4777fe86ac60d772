"""One record of a patient takes the place of another (A40, A47): what becomes of the one that is retired.

It stays, inactive, with its numbers and a link to the survivor; what refers to it refers to the survivor
from then on. Source: FHIR R4 https://hl7.org/fhir/R4/patient.html#merge; IHE PAM (ITI-30).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ingest.mapping.identifiers import V2_0203
from ingest.mapping.identities import type_codes
from ingest.mapping.merge import Resource, Said, merged, said_before
from ingest.mapping.result import Stored

REFERRING = (
    "AllergyIntolerance", "Appointment", "CarePlan", "CareTeam", "ClinicalImpression", "Composition",
    "Condition", "Consent", "DiagnosticReport", "DocumentReference", "Encounter", "EpisodeOfCare",
    "Goal", "ImagingStudy", "MedicationAdministration", "MedicationRequest", "MedicationStatement",
    "Observation", "Procedure", "QuestionnaireResponse", "RelatedPerson", "RiskAssessment",
    "ServiceRequest", "Specimen", "Task",
)  # fmt: skip
"""Types whose `patient` search parameter names the patient they are about. A Provenance is not among them:
it tells what was true when it was written."""

MOST_AT_ONCE = "1000"


NEVER_ABSORBED = frozenset({"active", "link", "managingOrganization"})


def absorbed(survivor: Resource, retired: Sequence[Resource]) -> Resource:
    """The survivor with what messages have told about the retired records: it is the same person.

    Shape: of each element the later word counts, as if all messages had been about one record; so it
    does not matter whether a message for the retired number comes before the merge or after it.
    """
    for record in retired:
        content = {name: value for name, value in record.items() if name not in NEVER_ABSORBED}
        content["identifier"] = [
            identifier
            for identifier in record.get("identifier", ())
            if (V2_0203, "PI") in type_codes(identifier)
        ]
        survivor = merged(survivor, said_before(record, content))
    return survivor


def linked(said: Said, retired: Sequence[Resource]) -> Said:
    """What the message says of the survivor, with links to the retired records."""
    links = [
        {"other": {"reference": f"Patient/{record['id']}"}, "type": "replaces"}
        for record in retired
    ]
    return replace(said, resource={**said.resource, "link": links})


def replacement_entries(
    retired: Sequence[Resource], survivor: Resource, stored: Stored
) -> Iterator[dict[str, Any]]:
    """Updates of the retired records and of all that refers to them.

    Cost: a search for each type that may refer to a patient; merges are rare.
    """
    target = f"Patient/{survivor['id']}"
    for record in retired:
        source = f"Patient/{record['id']}"
        yield update_entry(_retired(record, target), record)
        for resource_type in REFERRING:
            query = {"patient": source, "_count": MOST_AT_ONCE}
            for resource in stored(resource_type, query):
                yield update_entry(_moved(resource, {source: target}), resource)


def _retired(record: Resource, survivor: str) -> Resource:
    links = [one for one in record.get("link", ()) if one.get("type") != "replaced-by"]
    link = {"other": {"reference": survivor}, "type": "replaced-by"}
    numbers = [{**identifier, "use": "old"} for identifier in record.get("identifier", ())]
    return {**record, "active": False, "identifier": numbers, "link": [*links, link]}


def _moved(value: Any, references: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {
            name: references.get(part, part)
            if name == "reference" and isinstance(part, str)
            else _moved(part, references)
            for name, part in value.items()
        }
    return [_moved(part, references) for part in value] if isinstance(value, list) else value


def update_entry(
    resource: Resource, known: Mapping[str, Any], full_url: str = ""
) -> dict[str, Any]:
    """The entry that updates a stored resource, unless another has changed it meanwhile (412)."""
    url = f"{known['resourceType']}/{known['id']}"
    version = known["meta"]["versionId"]
    return {
        "fullUrl": full_url or f"urn:osteon:{url}",
        "resource": resource,
        "request": {"method": "PUT", "url": url, "ifMatch": f'W/"{version}"'},
    }
