"""Correct codes that a hospital sends are taken without a word, and what may be right is never refused."""

from copy import deepcopy

import pytest

from tests.profiles.network import BASE, ROOT, Resource, example
from tests.profiles.test_examples import counts, validator

ICD_10 = "http://hl7.org/fhir/sid/icd-10"
CIM_10 = "https://smt.esante.gouv.fr/terminologie-cim-10"
ICD_O = "http://terminology.hl7.org/CodeSystem/icd-o-3"


def valid(name: str) -> Resource:
    return deepcopy(example(ROOT / "examples" / "valid" / f"{name}.json"))


def told(resource: Resource) -> list[str]:
    """The issues that count, as ids."""
    return [issue.id for issue in validator().validate(resource) if counts(issue)]


@pytest.mark.parametrize("system", [ICD_10, CIM_10])
@pytest.mark.parametrize(
    "code", ["C40.2", "D16.1", "D16.8", "D48.0", "D48.1", "C49.2", "M85.5", "Q78.1"]
)
def test_diagnosis__is_any_icd_10_code_of_a_bone_tumour(system: str, code: str) -> None:
    tumour = valid("tumour-osteosarcoma" if code[0] == "C" else "tumour-giant-cell")
    tumour["code"] = {"coding": [{"system": system, "code": code}]}
    assert told(tumour) == []


def test_diagnosis__of_another_organ_is_told() -> None:
    tumour = valid("tumour-osteosarcoma")
    tumour["code"] = {"coding": [{"system": ICD_10, "code": "C34.9"}]}
    assert told(tumour) == ["binding-extensible"]


@pytest.mark.parametrize("code", ["C34.9", "C34.1", "C22.0", "C77.4", "C71.9", "C40.2", "C49.2"])
def test_event__has_the_site_of_any_organ_that_sarcomas_reach(code: str) -> None:
    event = valid("event-metastasis")
    event["bodySite"] = [{"coding": [{"system": ICD_O, "code": code}]}]
    assert told(event) == []


@pytest.mark.parametrize(
    "kind", ["local-recurrence", "progression", "metastasis", "transformation"]
)
def test_event__is_of_four_kinds(kind: str) -> None:
    event = valid("event-metastasis")
    event["code"] = {"coding": [{"system": f"{BASE}/CodeSystem/tumour-event-type", "code": kind}]}
    assert told(event) == []


def test_consent__to_sharing_with_every_partner_is_taken_with_a_hint() -> None:
    consent = valid("consent-partner")
    del consent["provision"]["actor"]
    assert told(consent) == ["invariant-warning"]


def test_identifier__of_a_centre_has_the_type_that_fr_core_asks() -> None:
    """PI stands in our value set; that FHIR's own leaves it out is no fault of the sender."""
    patient = valid("patient-adolescent")
    types = [coding["code"] for each in patient["identifier"] for coding in each["type"]["coding"]]
    assert "PI" in types
    assert told(patient) == []


@pytest.mark.parametrize(
    ("profile", "display"),
    [
        ("observation-grade", "Histology grade [Identifier] in Cancer specimen"),
        ("tumour-osteosarcoma", "Tumeur maligne des os longs du membre inférieur"),
    ],
)
def test_display__that_a_system_has_beyond_our_fragment_is_no_error(
    profile: str, display: str
) -> None:
    """We ship codes of LOINC, ICD-10 and ICD-O under short names of our own; senders write official ones."""
    resource = valid(profile)
    resource["code"]["coding"][0]["display"] = display
    issues = validator().validate(resource)
    assert [each.severity for each in issues if each.id == "coding-display"] == ["warning"]
    assert told(resource) in ([], ["coding-display"])


def test_centre__had_one_role_and_has_another() -> None:
    centre = valid("centre-01")
    (first,) = centre["extension"]
    later = {
        "url": first["url"],
        "extension": [
            {"url": "role", "valueCode": "both"},
            {"url": "period", "valuePeriod": {"start": "2020"}},
        ],
    }
    centre["extension"].append(later)
    assert told(centre) == []


@pytest.mark.parametrize("name", ["surgery-resection", "radiotherapy", "biopsy-core"])
def test_procedure__that_the_patient_refused_has_no_date(name: str) -> None:
    refused = {**valid(name), "status": "not-done", "statusReason": {"text": "refus"}}
    for element in ("performedDateTime", "performedPeriod", "outcome", "report"):
        refused.pop(element, None)
    assert told(refused) == []


@pytest.mark.parametrize(
    "name", ["observation-gene-fusion", "observation-necrosis", "observation-ecog"]
)
def test_finding__that_could_not_be_made_says_why(name: str) -> None:
    """RNA degraded by decalcification, a piece without viable landmarks, a score that nobody noted."""
    found = valid(name)
    for element in ("valueCodeableConcept", "valueQuantity", "valueInteger", "component"):
        found.pop(element, None)
    failed = {**found, "dataAbsentReason": {"text": "non évaluable"}}
    assert told(failed) == []
    assert told(found) == ["invariant"]
