"""Transaction Bundles as a clinical centre's record system and the network's registry send them.

Everything is created on condition that nothing with its identifier exists, so that a Bundle sent again
changes nothing, whatever messages have told meanwhile; what the registry alone keeps is updated by
identifier.
Source: FHIR R4 §3.1.0.8.1 (conditional create), §3.1.0.4.3 (conditional update),
§3.1.0.11.2 (transaction, conditional references).
"""

from collections.abc import Iterable, Iterator, Mapping
from urllib.parse import quote

from fhir_server.demo import pathology, terms
from fhir_server.demo.cases import Case, cases, readings
from fhir_server.demo.centres import Centre
from fhir_server.demo.pathology import About
from fhir_server.demo.records import DemoPatient
from fhir_server.demo.resources import (
    checked,
    condition,
    follow_up,
    organization,
    patient,
    urn,
)
from fhir_server.demo.terms import Json

Centres = Mapping[str, Centre]


def centres_bundle(centres: Centres) -> Json:
    """The centres as Organizations; a server that has read the register knows them already."""
    return transaction(create(organization(centre)) for centre in centres.values())


def clinical_bundle(person: DemoPatient, centres: Centres) -> Json:
    """What the clinical centre knows: patient, tumours, specimens, reports.

    What the server knows from messages already stays as messages made it: a Bundle that replaced it
    would take back, whenever it is sent, what later messages said.
    """
    home = centres[person.centre]
    subject = reference(home.authority("ipp").system, person.identity.ipp)
    last = person.delivery == "messages-first"
    day = person.last_contact if last else person.first_contact
    entries = [create(patient(person, home, day))]
    for tumour in person.tumours:
        about = About(subject, reference(terms.TUMOUR_SYSTEM, tumour.identifier))
        samples = list(cases(person, tumour, centres))
        evidence = [
            reference(pathology.report_system(reading), reading.report.number)
            for reading in readings(samples[0], centres)
        ]
        entries.append(create(condition(tumour, subject, evidence)))
        for case in samples:
            entries += _case_entries(case, about, centres)
    return transaction(entries)


def registry_bundle(person: DemoPatient, centres: Centres) -> Json:
    """What became of the patient, kept by the registry and updated by its own number."""
    ipp = centres[person.centre].authority("ipp").system
    subject = {"reference": f"Patient?identifier={ipp}|{person.identity.ipp}"}
    tumour = person.tumours[-1]
    tumour_reference = {
        "reference": f"Condition?identifier={terms.TUMOUR_SYSTEM}|{tumour.identifier}"
    }
    return transaction([update(follow_up(person, subject, tumour_reference))])


def _case_entries(case: Case, about: About, centres: Centres) -> Iterator[Json]:
    of = reference(pathology.specimen_system(case), case.sample.number)
    yield create(pathology.specimen(case, about))
    if case.sample.resected:
        yield create(pathology.block(case, about, of))
    for reading in readings(case, centres):
        found = list(pathology.observations(reading, about, of))
        yield from map(create, found)
        result = [_reference_to(one) for one in found]
        yield create(pathology.report(reading, about, of=of, result=result))


def transaction(entries: Iterable[Json]) -> Json:
    """A transaction Bundle of these entries."""
    return {"resourceType": "Bundle", "type": "transaction", "entry": list(entries)}


def create(resource: Json) -> Json:
    """An entry that creates the resource unless its identifier is known."""
    return _entry(resource, "POST", resource["resourceType"], ifNoneExist=_criteria(resource))


def update(resource: Json) -> Json:
    """An entry that replaces the resource with this identifier, or creates it."""
    return _entry(resource, "PUT", f"{resource['resourceType']}?{_criteria(resource)}")


def _entry(resource: Json, method: str, url: str, **request: str) -> Json:
    own = own_identifier(resource)
    return {
        "fullUrl": urn(own["system"], own["value"]),
        "resource": checked(resource),
        "request": {"method": method, "url": url, **request},
    }


def own_identifier(resource: Json) -> Json:
    """The identifier by which the demo knows a resource: for patients that of their centre."""
    identifiers: list[Json] = resource["identifier"]
    usual = (one for one in identifiers if one.get("use") == "usual")
    return next(usual, identifiers[0])


def _criteria(resource: Json) -> str:
    own = own_identifier(resource)
    return f"identifier={quote(own['system'], safe=':/')}|{quote(own['value'])}"


def reference(system: str, value: str) -> Json:
    """A reference to what the same Bundle holds."""
    return {"reference": urn(system, value)}


def _reference_to(resource: Json) -> Json:
    own = own_identifier(resource)
    return reference(own["system"], own["value"])
