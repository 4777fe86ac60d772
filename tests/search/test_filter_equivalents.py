"""Each operator of `_filter` on each kind of parameter, beside the plain parameters that ask for the same."""

from decimal import Decimal
from typing import Any
from urllib.parse import quote

import pytest

from fhir_server.model.issues import Refused
from tests.search.conftest import BASE_URL, SearchStore

GENDER_SET = "http://hl7.org/fhir/ValueSet/administrative-gender"
ACTS = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
PREFIXES = ("eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap")
AGES = ("2010", "2010-05", "2010-05-07", "2011-01-01", "1999-12-31", None)
SIGNS = ("male", "female", "other", "unknown", None)
FAMILIES = ("Dupont", "Dupontel", "Martin", "Müller", "de La Tour", None)
Json = dict[str, Any]


def person(number: int) -> Json:
    family, gender, born = FAMILIES[number % 6], SIGNS[number % 5], AGES[number % 6]
    found: Json = {"resourceType": "Patient", "id": f"p{number}", "active": number % 2 == 0}
    if family is not None:
        found["name"] = [{"family": family, "given": ["Anna", "Jan"][: number % 2 + 1]}]
    if gender is not None:
        found["gender"] = gender
    if born is not None:
        found["birthDate"] = born
    if number % 4:
        found["managingOrganization"] = {"reference": f"Organization/o{number % 4}"}
    return found


def measured(number: int) -> Json:
    code = {"coding": [{"system": "http://loinc.org", "code": f"{number % 3}-0"}]}
    unit = ("mg", "g", "kg")[number % 3]
    found: Json = {
        "resourceType": "Observation", "id": f"v{number}", "status": "final", "code": code,
        "subject": {"reference": f"Patient/p{number}"},
    }  # fmt: skip
    if number % 7 == 0:
        found["effectiveDateTime"] = "2020-03-12"
    elif number % 7 < 6:
        month = number % 7
        found["effectivePeriod"] = {"start": f"2020-0{month}-10", "end": f"2020-0{month + 1}-03"}
    if number % 4:
        found["valueQuantity"] = {
            "value": Decimal(number) / 2, "system": "http://unitsofmeasure.org", "code": unit,
            "unit": unit,
        }  # fmt: skip
    return found


@pytest.fixture
def people(store: SearchStore) -> SearchStore:
    store.put(
        *(person(number) for number in range(30)),
        *(measured(number) for number in range(30)),
        *({"resourceType": "Organization", "id": f"o{n}", "name": f"House {n}", "active": n == 1,
           "partOf": {"reference": "Organization/o3"}} for n in (1, 2, 3)),
        *({"resourceType": "RiskAssessment", "id": f"r{n}", "subject": {"reference": f"Patient/p{n}"},
           "prediction": [{"probabilityDecimal": Decimal(n) / 10}] if n else []} for n in range(10)),
        *({"resourceType": "ValueSet", "id": f"s{n}", "url": f"http://x.test/sets/{n}"} for n in range(3)),
        *({"resourceType": "Encounter", "id": f"e{code}", "class": {"system": ACTS, "code": code}}
          for code in ("IMP", "ACUTE", "AMB")),
        {"resourceType": "Group", "id": "g", "characteristic": [
            {"code": {"text": "a", "coding": [{"system": "http://loinc.org", "code": "sex"}]},
             "valueCodeableConcept": {"coding": [{"code": "mixed"}]}},
            {"code": {"coding": [{"code": "age"}]}, "valueCodeableConcept": {"coding": [{"code": "old"}]}}]},
        {"resourceType": "DocumentReference", "id": "d", "relatesTo": [
            {"code": "replaces", "target": {"reference": "DocumentReference/x"}},
            {"code": "signs", "target": {"reference": "DocumentReference/y"}}]},
    )  # fmt: skip
    return store


@pytest.mark.parametrize(
    ("resource_type", "filtered", "plain"),
    [
        ("Patient", "family eq DUPONT", "family:exact=Dupont"),
        ("Patient", "family co upon", "family:contains=upon"),
        ("Patient", "family sw dup", "family=dup"),
        ("Patient", 'family ew "la tour"', "family:contains=la tour"),
        ("Patient", "family ne dupont", "family:exact=Dupontel,Martin,Müller,de La Tour"),
        ("Patient", "family gt dupont", "family:exact=Dupontel,Martin,Müller"),
        ("Patient", "family ge dupont", "family:exact=Dupont,Dupontel,Martin,Müller"),
        ("Patient", "family lt dupont", "family:exact=de La Tour"),
        ("Patient", "family le dupont", "family:exact=Dupont,de La Tour"),
        ("Patient", "family pr false", "family:missing=true"),
        ("Patient", "gender eq Male", "gender=male"),
        ("Patient", "gender ne male", "gender:not=male&gender:missing=false"),
        ("Patient", f"gender in {GENDER_SET}", f"gender:in={GENDER_SET}"),
        ("Patient", f"gender ni {GENDER_SET}", f"gender:not-in={GENDER_SET}"),
        ("Patient", "gender pr true", "gender:missing=false"),
        ("Encounter", f"class ss {ACTS}|IMP", f"class:below={ACTS}|IMP"),
        ("Encounter", f"class sb {ACTS}|ACUTE", f"class:above={ACTS}|ACUTE"),
        ("Observation", "code eq loinc|1-0", "code=http://loinc.org|1-0"),
        ("Patient", "organization eq Organization/o1", "organization=Organization/o1"),
        ("Patient", "organization re o2", "organization=o2"),
        ("Patient", f"organization re {BASE_URL}/Organization/o2", "organization=Organization/o2"),
        ("Patient", "organization ne Organization/o1", "organization=Organization/o2,Organization/o3"),
        ("Patient", "organization pr false", "organization:missing=true"),
        *(("Patient", f"birthdate {one} 2010-05", f"birthdate={one}2010-05") for one in PREFIXES),
        *(("Observation", f"date {one} 2020-03", f"date={one}2020-03") for one in PREFIXES),
        ("Observation", "date po 2020-03", "date=gt2020-02-29&date=lt2020-04"),
        ("Observation", "date co 2020-03-15", "date=le2020-03-15&date=ge2020-03-15"),
        ("Observation", "date pr false", "date:missing=true"),
        ("Patient", "birthdate co 2010-05-07", "birthdate=ap2010-05-07&birthdate=2010"),
        *(("RiskAssessment", f"probability {one} 0.5", f"probability={one}0.5") for one in PREFIXES),
        ("RiskAssessment", "probability pr true", "probability:missing=false"),
        *(("Observation", f"value-quantity {one} 5|ucum|g",
           f"value-quantity={one}5|http://unitsofmeasure.org|g") for one in PREFIXES),
        ("Observation", "value-quantity gt 4||kg", "value-quantity=gt4||kg"),
        ("Observation", "value-quantity pr false", "value-quantity:missing=true"),
        ("Observation", "code-value-quantity eq 1-0$gt4", "code-value-quantity=1-0$gt4"),
        ("ValueSet", "url eq http://x.test/sets/1", "url=http://x.test/sets/1"),
        ("ValueSet", "url ne http://x.test/sets/1", "url=http://x.test/sets/0,http://x.test/sets/2"),
        ("ValueSet", "url sw http://x.test/", "url:below=http://x.test/sets"),
        ("ValueSet", "url co sets", "url:missing=false"),
        ("ValueSet", "url ew /2", "url=http://x.test/sets/2"),
        ("Patient", "_id ne p1", "_id:not=p1"),
        ("Patient", "_lastUpdated ge 2024", "_lastUpdated=ge2024"),
        ("Patient", "_lastUpdated po 2024-01", "_lastUpdated=2024-01"),
        ("Patient", "not (gender eq male)", "gender:not=male"),
        ("Patient", "not (not (gender eq male))", "gender=male"),
        ("Patient", "not (birthdate lt 2010 or gender pr false) and active eq true",
         "birthdate=ge2010&gender:missing=false&active=true"),
        ("Patient", "gender eq male or (gender eq female and not (active eq true))",
         "_id=p0,p5,p10,p15,p20,p25,p1,p11,p21"),
        ("Observation", 'subject.organization.name eq "house 1"',
         "subject:Patient.organization.name=house 1"),
        ("Observation", "subject.birthdate ge 2010-05", "subject:Patient.birthdate=ge2010-05"),
        ("Observation", "not (subject.gender eq male)",
         "subject:Patient.gender:not=male"),
        ("Observation", "subject[gender eq male].active eq true", "_id=v0,v10,v20"),
        ("Observation", "subject[not (gender eq male)].organization[active eq true].partof pr true",
         "_id=v1,v9,v13,v17,v21,v29"),
    ],
)  # fmt: skip
def test_filter__finds_what_the_plain_form_finds(
    people: SearchStore, resource_type: str, filtered: str, plain: str
) -> None:
    found = people.find(f"{resource_type}?_count=100&_filter={quote(filtered)}")
    expected = people.find(f"{resource_type}?_count=100&{quote(plain, safe='=&')}")
    assert found == expected
    assert found or " ni " in filtered


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("Group?characteristic[code eq loinc|sex].value eq mixed", ["Group/g"]),
        ("Group?characteristic[value eq mixed].code eq sex", ["Group/g"]),
        ("Group?characteristic[code eq age].value eq mixed", []),
        ("Group?characteristic eq age", ["Group/g"]),
        ("DocumentReference?relatesTo[code eq signs].target re DocumentReference/y",
         ["DocumentReference/d"]),
        ("DocumentReference?relatesTo[code eq signs].target re DocumentReference/x", []),
        ("DocumentReference?not (relatesTo[code eq signs].target re DocumentReference/x)",
         ["DocumentReference/d"]),
    ],
)  # fmt: skip
def test_filter__holds_an_element_together(
    people: SearchStore, query: str, found: list[str]
) -> None:
    resource_type, _, text = query.partition("?")
    assert people.find(f"{resource_type}?_filter={quote(text)}") == found


@pytest.mark.parametrize(
    "text", ["characteristic.value eq mixed", "characteristic[code gt a].value eq b",
             "characteristic[code eq a].code eq b", "characteristic[code eq a or code eq b].value eq c"],
)  # fmt: skip
def test_filter__refuses_an_element_in_any_other_form(people: SearchStore, text: str) -> None:
    with pytest.raises(Refused) as caught:
        people.find(f"Group?_filter={quote(text)}")
    assert caught.value.issues[0].id == "search-filter-element"
