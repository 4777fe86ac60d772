"""`_filter`: its language, and what it finds."""

from decimal import Decimal
from typing import Any
from urllib.parse import quote

import pytest

from fhir_server.model.issues import Refused
from fhir_server.search.filter_syntax import Comparison, Logical, Negation, parse_filter_text
from tests.search.conftest import SearchStore


@pytest.fixture
def people(store: SearchStore) -> SearchStore:
    def person(resource_id: str, **elements: Any) -> dict[str, Any]:
        return {"resourceType": "Patient", "id": resource_id, **elements}

    store.put(
        person("a", name=[{"family": "Dupont", "given": ["Peter", "Jan"]}], birthDate="2015-03-01",
               gender="male", managingOrganization={"reference": "Organization/o"}),
        person("b", name=[{"family": "Dupontel", "given": ["Peter"]}], birthDate="2010",
               gender="female", active=True),
        person("c", name=[{"text": "Müller (Anna)"}]),
        {"resourceType": "Organization", "id": "o", "name": "Pet Clinic", "active": True},
        {"resourceType": "Condition", "id": "d", "subject": {"reference": "Patient/a"},
         "onsetPeriod": {"start": "2020-01-10", "end": "2020-03-10"}},
        {"resourceType": "Observation", "id": "e", "valueQuantity": {"value": Decimal("5.4"), "unit": "mg"},
         "code": {"coding": [{"system": "http://loinc.org", "code": "1234-5"}]}},
        {"resourceType": "CodeSystem", "id": "s", "url": "http://x.test/a/b"},
    )  # fmt: skip
    return store


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ('Patient?given eq "peter" and birthdate ge 2014-10-10', "a"),
        ("Patient?given eq peter", "ab"),
        ("Patient?given eq pete", ""),
        ("Patient?name co upon", "ab"),
        ("Patient?name sw muller", "c"),
        ("Patient?family ew TEL", "b"),
        ('Patient?name eq "Müller (Anna)"', "c"),
        ("Patient?given ne peter", "a"),
        ("Patient?gender ne male", "b"),
        ("Patient?gender eq http://hl7.org/fhir/administrative-gender|male", "a"),
        ("Patient?gender pr false", "c"),
        ("Patient?birthdate pr true", "ab"),
        ("Patient?birthdate lt 2012 or gender eq male", "ab"),
        ("Patient?gender eq female or gender eq male and given eq jan", "a"),
        ("Patient?gender eq female or (gender eq male and given eq jan)", "ab"),
        ("Patient?not (gender eq male)", "bc"),
        ("Patient?not(gender eq male)and active eq true", "b"),
        ("Patient?(gender eq male)", "a"),
        ("Patient?organization re Organization/o", "a"),
        ('Patient?organization.name co "pet"', "a"),
        ("Patient?organization[active eq true].name sw pet", "a"),
        ("Patient?organization[active eq false].name sw pet", ""),
        ("Patient?_id ne a", "bc"),
        ("Patient?_lastUpdated le 2024-01-01 and _id eq a", "a"),
        ("Patient?_content co dupontel", "b"),
        ("Condition?onset-date po 2020-02", "d"),
        ("Condition?onset-date eq 2020-02", ""),
        ("Condition?subject.organization.name eq 'Pet Clinic'".replace("'", '"'), "d"),
        ("Observation?code eq http://loinc.org|1234-5", "e"),
        ("Observation?value-quantity gt 5 and value-quantity le 5.4||mg", "e"),
        ("Observation?code-value-quantity eq 1234-5$gt5", "e"),
        ("CodeSystem?url sw http://x.test", "s"),
        ("CodeSystem?url ew /b", "s"),
        ("CodeSystem?url eq http://x.test/a", ""),
    ],
)
def test_filter__finds(people: SearchStore, query: str, found: str) -> None:
    resource_type, _, text = query.partition("?")
    names = _filtered(people, resource_type, text)
    assert "".join(name.partition("/")[2] for name in names) == found


def _filtered(store: SearchStore, resource_type: str, text: str) -> list[str]:
    return store.find(f"{resource_type}?_filter={quote(text)}")


@pytest.mark.parametrize(
    ("text", "position"),
    [
        ("", 1),
        ("given", 6),
        ("given is peter", 7),
        ("given eq", 9),
        ("given eq peter and", 19),
        ("given eq peter xor active eq true", 16),
        ("(given eq peter", 16),
        ("given eq peter)", 15),
        ('given eq "peter', 10),
        ("organization[active eq true] eq x", 29),
        ("organization..name eq x", 14),
        ("nothing eq 1", 9),
        ("active eq true and birthdate ge soon", 30),
        ("birthdate sw 2020", 11),
        ("gender.name eq x", 1),
        ("not (given sb x)", 12),
        ("active pr maybe", 8),
        ("(" * 60 + "active eq true" + ")" * 60, 51),
    ],
)
def test_filter__names_the_position_of_a_fault(
    people: SearchStore, text: str, position: int
) -> None:
    with pytest.raises(Refused) as caught:
        _filtered(people, "Patient", text)
    assert caught.value.status == 400
    assert caught.value.issues[0].parameters["position"] == position


def test_filter_text__joins_from_left_to_right() -> None:
    found = parse_filter_text("a eq 1 or b eq 2 and not (c eq 3)")
    assert isinstance(found, Logical)
    assert found.operator == "and"
    assert isinstance(found.left, Logical)
    assert isinstance(found.right, Negation)
    assert isinstance(found.right.condition, Comparison)
