"""Specimens, pathology reports and what they found, as FHIR resources.

Source: docs/profiles.md.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from fhir_server.demo import terms
from fhir_server.demo.cases import Case, Reading
from fhir_server.demo.centres import Centre
from fhir_server.demo.findings import Code, Finding, conclusion, findings
from fhir_server.demo.resources import centre_reference, moment
from fhir_server.demo.terms import CODE_SYSTEM, PROFILE, UCUM, Json, concept, identifier


@dataclass(frozen=True, slots=True)
class About:
    """References to the patient and the tumour that everything here is about."""

    subject: Json
    tumour: Json

    @property
    def tumour_extension(self) -> Json:
        """The extension by which a resource names its tumour."""
        return {"url": f"{PROFILE}/tumour", "valueReference": self.tumour}


def specimen(case: Case, about: About) -> Json:
    """What was taken from the tumour, under the number of the laboratory that received it."""
    sample, tumour = case.sample, case.tumour
    return {
        "resourceType": "Specimen",
        "meta": {"profile": [f"{PROFILE}/bone-tumour-specimen"]},
        "extension": [about.tumour_extension],
        "identifier": [identifier(specimen_system(case), sample.number)],
        "status": "available",
        "type": concept(f"{CODE_SYSTEM}/specimen-type", "tissue"),
        "subject": about.subject,
        "receivedTime": moment(sample.reports[0].received, case.laboratory.zone),
        "collection": {
            "collectedDateTime": moment(sample.collected, case.home.zone),
            "method": concept(f"{CODE_SYSTEM}/collection-method", sample.procedure),
            "bodySite": terms.body_site(tumour.site, tumour.laterality),
        },
    }


def block(case: Case, about: About, parent: Json) -> Json:
    """The first paraffin block made from a resected tumour."""
    return {
        "resourceType": "Specimen",
        "meta": {"profile": [f"{PROFILE}/bone-tumour-specimen"]},
        "extension": [about.tumour_extension],
        "identifier": [identifier(specimen_system(case), f"{case.sample.number}-A1")],
        "status": "available",
        "type": concept(f"{CODE_SYSTEM}/specimen-type", "ffpe-block"),
        "subject": about.subject,
        "parent": [parent],
    }


def specimen_system(case: Case) -> str:
    """The identifier system of the laboratory's specimens."""
    return case.laboratory.authority("specimen").system


def report(reading: Reading, about: About, *, of: Json, result: list[Json]) -> Json:
    """The report as last issued; `of` refers to the specimen, `result` to what was found in it."""
    written, case, centre = reading.report, reading.case, reading.centre
    last = written.issues[-1]
    return {
        "resourceType": "DiagnosticReport",
        "meta": {"profile": [f"{PROFILE}/bone-pathology-report"]},
        "extension": [
            about.tumour_extension,
            {"url": f"{PROFILE}/reading-role", "valueCode": written.role},
        ],
        "identifier": [identifier(report_system(reading), written.number)],
        "status": last.status,
        "category": [concept("http://terminology.hl7.org/CodeSystem/v2-0074", "SP")],
        "code": concept(terms.LOINC, "60568-3"),
        "subject": about.subject,
        "effectiveDateTime": moment(case.sample.collected, case.home.zone),
        "issued": moment(last.at, centre.zone),
        "performer": [centre_reference(centre)],
        "specimen": [of],
        "result": result,
        "conclusion": conclusion(written, case.tumour, last),
        "conclusionCode": [terms.morphology(written.diagnosis.morphology)],
    }


def report_system(reading: Reading) -> str:
    """The identifier system of the reading centre's reports."""
    return reading.centre.authority("report").system


def observations(reading: Reading, about: About, of: Json) -> Iterator[Json]:
    """What a reading found as last issued, each finding under the number of its report."""
    written, centre = reading.report, reading.centre
    last = written.issues[-1]
    for finding in findings(written, last):
        number = f"{written.number}-{finding.name}"
        yield {
            "resourceType": "Observation",
            "meta": {"profile": [f"{PROFILE}/{finding.profile}"]},
            "extension": [about.tumour_extension],
            "identifier": [identifier(observation_system(centre), number)],
            "status": last.status,
            "category": [
                concept("http://terminology.hl7.org/CodeSystem/observation-category", "laboratory")
            ],
            "code": _concept(finding.code),
            "subject": about.subject,
            "specimen": of,
            "effectiveDateTime": moment(written.received, centre.zone),
            "issued": moment(last.at, centre.zone),
            "performer": [centre_reference(centre)],
            **_value(finding),
            **({"method": _concept(finding.method)} if finding.method else {}),
        }


def observation_system(centre: Centre) -> str:
    """The identifier system of a centre's findings."""
    return f"{terms.SID}/observation/{centre.id}"


def _concept(code: Code) -> Json:
    if code.system == terms.ICD_O:
        return terms.morphology(code.code)
    shown = {"display": code.display} if code.display else {}
    return concept(code.system, code.code, text=code.text or None, **shown)


def _value(finding: Finding) -> Json:
    value = finding.value
    if isinstance(value, Code):
        return {"valueCodeableConcept": _concept(value)}
    amount = {"value": value.value, "unit": value.unit, "system": UCUM, "code": value.unit}
    if finding.name != "size":
        return {"valueQuantity": amount}
    longest = concept(terms.LOINC, "33728-7")
    return {"component": [{"code": longest, "valueQuantity": amount}]}
