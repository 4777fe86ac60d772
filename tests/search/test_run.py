from decimal import Decimal
from typing import Any

import pytest

from fhir_server.model.issues import Refused
from fhir_server.search.explain import explain
from fhir_server.search.request import parse_search
from fhir_server.search.run import match_resources, run_search
from tests.search.conftest import SearchStore, names


def _patient(resource_id: str, **elements: Any) -> dict[str, Any]:
    return {"resourceType": "Patient", "id": resource_id, **elements}


def _condition(resource_id: str, **elements: Any) -> dict[str, Any]:
    return {"resourceType": "Condition", "id": resource_id, **elements}


def _observation(resource_id: str, **elements: Any) -> dict[str, Any]:
    return {"resourceType": "Observation", "id": resource_id, **elements}


def _coded(system: str | None, code: str, **more: str) -> dict[str, Any]:
    coding = {"code": code, **more} if system is None else {"system": system, "code": code, **more}
    return {"coding": [coding]}


# token ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("c1", ["a", "b", "n"]),
        ("http://s|c1", ["a"]),
        ("http://t|c1", ["b"]),
        ("|c1", ["n"]),
        ("http://s|", ["a", "c"]),
        ("http://s|c1,http://s|c2", ["a", "c"]),
        ("C1", ["a", "b", "n"]),
        ("http://S|c1", []),
        (r"a\,b\|c", ["e"]),
    ],
)
def test_token__forms(store: SearchStore, value: str, found: list[str]) -> None:
    store.put(
        _condition("a", code=_coded("http://s", "c1")),
        _condition("b", code=_coded("http://t", "c1")),
        _condition("c", code=_coded("http://s", "c2")),
        _condition("n", code=_coded(None, "c1")),
        _condition("e", code=_coded(None, "a,b|c")),
    )
    pairs = store.find(f"Condition?code={value}".replace("\\", "%5C"))
    assert pairs == [f"Condition/{one}" for one in sorted(found)]


def test_token__repeated_parameter_is_and(store: SearchStore) -> None:
    both = [_coded("http://s", "x"), _coded("http://s", "y")]
    store.put(_condition("a", category=both), _condition("b", category=both[:1]))
    assert store.find("Condition?category=x&category=y") == ["Condition/a"]


def test_token__not_includes_those_without_value(store: SearchStore) -> None:
    store.put(_patient("m", gender="male"), _patient("f", gender="female"), _patient("n"))
    assert store.find("Patient?gender:not=male") == ["Patient/f", "Patient/n"]


def test_token__missing(store: SearchStore) -> None:
    store.put(_patient("m", gender="male"), _patient("n"))
    assert store.find("Patient?gender:missing=true") == ["Patient/n"]
    assert store.find("Patient?gender:missing=false") == ["Patient/m"]


def test_token__boolean_and_computed(store: SearchStore) -> None:
    store.put(
        _patient("a", active=True),
        _patient("b", active=False, deceasedDateTime="2020"),
        _patient("c", deceasedBoolean=False),
    )
    assert store.find("Patient?active=true") == ["Patient/a"]
    assert store.find("Patient?deceased=true") == ["Patient/b"]
    assert store.find("Patient?deceased=false") == ["Patient/a", "Patient/c"]


def test_token__text_begins(store: SearchStore) -> None:
    store.put(
        _condition("a", code={"text": "Ostéosarcome du fémur"}),
        _condition("b", code=_coded("http://s", "c", display="Osteosarcoma")),
    )
    assert store.find("Condition?code:text=osteosarco") == ["Condition/a", "Condition/b"]
    assert store.find("Condition?code:text=fémur") == []


def test_token__identifier_of_type(store: SearchStore) -> None:
    kind = {"coding": [{"system": "http://k", "code": "MR"}]}
    store.put(
        _patient("a", identifier=[{"type": kind, "system": "http://h", "value": "17"}]),
        _patient("b", identifier=[{"system": "http://h", "value": "17"}]),
    )
    assert store.find("Patient?identifier:of-type=http://k|MR|17") == ["Patient/a"]
    assert store.find("Patient?identifier=http://h|17") == ["Patient/a", "Patient/b"]


# string --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("family=lefe", ["a", "b"]),
        ("family=LEFÈ", ["a", "b"]),
        ("family:exact=Lefèvre", ["a"]),
        ("family:exact=lefèvre", []),
        ("family:contains=fevr", ["a"]),
        ("family=fevre", []),
        ("name=anne", ["a"]),
        ("given=anne,paul", ["a", "b"]),
        ("name=100%25", ["c"]),
        ("name=100_", []),
        ("address-city=par", ["b"]),
        ("address=rue", ["b"]),
    ],
)
def test_string__matches(store: SearchStore, query: str, found: list[str]) -> None:
    store.put(
        _patient("a", name=[{"family": "Lefèvre", "given": ["Marie", "Anne"]}]),
        _patient(
            "b",
            name=[{"family": "Lefebure", "given": ["Paul"]}],
            address=[{"city": "Paris", "line": ["Rue du Bac"]}],
        ),
        _patient("c", name=[{"text": "100% x"}, {"text": "1000"}]),
    )
    assert store.find(f"Patient?{query}") == [f"Patient/{one}" for one in sorted(found)]


def test_string__long_text_is_found_by_any_part(store: SearchStore) -> None:
    text = " ".join(f"word{number}" for number in range(400))
    store.put({"resourceType": "ValueSet", "id": "a", "status": "draft", "description": text})
    assert store.find("ValueSet?description=word0 word1") == ["ValueSet/a"]
    assert store.find("ValueSet?description:contains=ord398 word39") == ["ValueSet/a"]
    assert store.find("ValueSet?description:contains=word400") == []


# date ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "found"),
    [
        # R4 §3.1.1.4.5: the range of the search value against the range of the target.
        ("2020", ["year", "month", "day", "time"]),
        ("eq2020-03", ["month", "day", "time"]),
        ("2020-03-05", ["day", "time"]),
        ("ne2020-03", ["year", "open", "period"]),
        ("gt2020-03", ["year", "open", "period"]),
        ("lt2020-03", ["year", "period"]),
        ("ge2020-03-05", ["year", "month", "day", "time", "open", "period"]),
        ("le2020-03-05", ["year", "month", "day", "time", "period"]),
        ("sa2020-03-04", ["day", "time", "open"]),
        ("eb2020-03-06", ["day", "time"]),
        ("2020-03-05T10:30:00Z", ["time"]),
        ("2020-03-05T12:30:00%2B02:00", ["time"]),
        ("2020-03-05T12:30:00+02:00", ["time"]),
        ("2020-03-05T10:30", ["time"]),
        ("2019,2020-03-05", ["day", "time"]),
    ],
)
def test_date__comparators(store: SearchStore, value: str, found: list[str]) -> None:
    store.put(
        _condition("year", onsetDateTime="2020"),
        _condition("month", onsetDateTime="2020-03"),
        _condition("day", onsetDateTime="2020-03-05"),
        _condition("time", onsetDateTime="2020-03-05T10:30:00Z"),
        _condition("open", onsetPeriod={"start": "2021"}),
        _condition("period", onsetPeriod={"start": "2019-01", "end": "2020-06"}),
        _condition("none", onsetString="long ago"),
    )
    assert store.find(f"Condition?onset-date={value}") == sorted(
        f"Condition/{one}" for one in sorted(found)
    )


def test_date__approximate_widens_by_a_tenth_of_the_gap_to_now(store: SearchStore) -> None:
    store.put(_condition("a", onsetDateTime="1990"), _condition("b", onsetDateTime="1950"))
    assert store.find("Condition?onset-date=ap1992-06") == ["Condition/a"]


def test_date__two_limits_on_one_value(store: SearchStore) -> None:
    store.put(_condition("a", recordedDate="2020-05"), _condition("b", recordedDate="2021-05"))
    query = "Condition?recorded-date=ge2020&recorded-date=lt2021"
    assert store.find(query) == ["Condition/a"]


def test_date__two_limits_may_meet_different_values(store: SearchStore) -> None:
    """Of a repeating element each limit may be met by another value."""
    goal = {"resourceType": "Goal", "id": "a", "target": [{"dueDate": "2010"}, {"dueDate": "2030"}]}
    store.put(goal)
    assert store.find("Goal?target-date=gt2020&target-date=lt2015") == ["Goal/a"]


def test_date__timing_counts_by_its_outer_limits(store: SearchStore) -> None:
    timing = {"event": ["2020-01-05", "2020-03-05"]}
    store.put({"resourceType": "ServiceRequest", "id": "a", "occurrenceTiming": timing})
    assert store.find("ServiceRequest?occurrence=2020") == ["ServiceRequest/a"]
    assert store.find("ServiceRequest?occurrence=2020-01") == []


def test_last_updated__comparators(store: SearchStore) -> None:
    store.put(_patient("a"), updated="2024-01-01T10:00:00.500")
    store.put(_patient("b"), updated="2024-01-02T10:00:00")
    assert store.find("Patient?_lastUpdated=2024-01-01") == ["Patient/a"]
    assert store.find("Patient?_lastUpdated=2024-01-01T10:00:00Z") == ["Patient/a"]
    assert store.find("Patient?_lastUpdated=gt2024-01-01") == ["Patient/b"]
    assert store.find("Patient?_lastUpdated=ge2024&_lastUpdated=lt2024-01-02") == ["Patient/a"]
    assert store.ordered("Patient?_sort=-_lastUpdated") == ["Patient/b", "Patient/a"]


# number, quantity ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("0.5", ["half", "about"]),
        ("0.50", ["half"]),
        ("5e-1", ["half", "about"]),
        ("ne0.5", ["low"]),
        ("gt0.5", ["about"]),
        ("ge0.5", ["half", "about"]),
        ("lt0.5", ["low"]),
        ("ap0.5", ["half", "about"]),
    ],
)
def test_number__precision(store: SearchStore, value: str, found: list[str]) -> None:
    for resource_id, probability in (("half", "0.5"), ("about", "0.52"), ("low", "0.1")):
        store.put(
            {
                "resourceType": "RiskAssessment",
                "id": resource_id,
                "prediction": [{"probabilityDecimal": Decimal(probability)}],
            }
        )
    assert store.find(f"RiskAssessment?probability={value}") == [
        f"RiskAssessment/{one}" for one in sorted(found)
    ]


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("5.4", ["mg", "g"]),
        ("5.4|http://unitsofmeasure.org|mg", ["mg"]),
        ("5.4||mg", ["mg"]),
        ("5.4||milligram", ["mg"]),
        ("lt5||mg", ["less"]),
        ("gt100||mg", []),
        ("eb3||mg", []),
    ],
)
def test_quantity__units(store: SearchStore, value: str, found: list[str]) -> None:
    ucum = {"system": "http://unitsofmeasure.org"}
    store.put(
        _observation(
            "mg", valueQuantity={"value": Decimal("5.4"), "code": "mg", "unit": "milligram", **ucum}
        ),
        _observation("g", valueQuantity={"value": Decimal("5.4"), "code": "g", **ucum}),
        _observation("less", valueQuantity={"value": 3, "comparator": "<", "code": "mg", **ucum}),
    )
    assert store.find(f"Observation?value-quantity={value}") == [
        f"Observation/{one}" for one in sorted(found)
    ]


# reference, uri ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("subject=Patient/1", ["local", "absolute", "versioned"]),
        ("subject=1", ["local", "absolute", "versioned", "group"]),
        ("subject:Patient=1", ["local", "absolute", "versioned"]),
        ("subject:Group=1", ["group"]),
        ("patient=1", ["local", "absolute", "versioned"]),
        ("patient=Group/1", []),
        ("subject=http://osteon.test/fhir/Patient/1", ["local", "absolute", "versioned"]),
        ("subject=http://else.test/fhir/Patient/1", ["elsewhere"]),
        ("subject=Patient/1/_history/3", ["versioned"]),
        ("subject=urn:uuid:5b1e", ["urn"]),
        ("subject:identifier=http://i|9", ["logical"]),
        ("subject:missing=true", ["none"]),
    ],
)
def test_reference__kinds(store: SearchStore, query: str, found: list[str]) -> None:
    references: dict[str, dict[str, Any]] = {
        "local": {"reference": "Patient/1"},
        "absolute": {"reference": "http://osteon.test/fhir/Patient/1"},
        "versioned": {"reference": "Patient/1/_history/3"},
        "group": {"reference": "Group/1"},
        "elsewhere": {"reference": "http://else.test/fhir/Patient/1"},
        "urn": {"reference": "urn:uuid:5b1e"},
        "logical": {"identifier": {"system": "http://i", "value": "9"}},
    }
    store.put(*(_condition(name, subject=value) for name, value in references.items()))
    store.put(_condition("none"))
    assert store.find(f"Condition?{query}") == sorted(f"Condition/{one}" for one in sorted(found))


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("url=http://x.org/a/b", ["ab"]),
        ("url=http://x.org/a", ["a"]),
        ("url:below=http://x.org/a", ["a", "ab"]),
        ("url:below=http://x.org/a/", ["a", "ab"]),
        ("url:below=http://x.org", ["a", "ab", "other"]),
        ("url:above=http://x.org/a/b/c", ["a", "ab"]),
        ("url:missing=true", ["none"]),
    ],
)
def test_uri__hierarchy(store: SearchStore, query: str, found: list[str]) -> None:
    urls = {"a": "http://x.org/a", "ab": "http://x.org/a/b", "other": "http://x.org/ab"}
    for name, url in urls.items():
        store.put({"resourceType": "ValueSet", "id": name, "status": "draft", "url": url})
    store.put({"resourceType": "ValueSet", "id": "none", "status": "draft"})
    assert store.find(f"ValueSet?{query}") == [f"ValueSet/{one}" for one in sorted(found)]


def test_uri__profile_is_found_with_and_without_version(store: SearchStore) -> None:
    store.put(_patient("a", meta={"profile": ["http://x.org/p|1.0"], "tag": [{"code": "t"}]}))
    assert store.find("Patient?_profile=http://x.org/p") == ["Patient/a"]
    assert store.find("Patient?_profile=http://x.org/p|1.0&_tag=t") == ["Patient/a"]
    assert store.find("Patient?_profile=http://x.org/p|2.0") == []


# chains, includes ----------------------------------------------------------------------------------


@pytest.fixture
def network(store: SearchStore) -> SearchStore:
    """Two patients, their conditions and observations, a practitioner, an organisation."""
    store.put(
        {"resourceType": "Organization", "id": "o", "name": "Institut"},
        {"resourceType": "Practitioner", "id": "d", "name": [{"family": "Docteur"}]},
        _patient("1", name=[{"family": "Un"}], managingOrganization={"reference": "Organization/o"},
                 generalPractitioner=[{"reference": "Practitioner/d"}]),
        _patient("2", name=[{"family": "Deux"}]),
        _condition("c1", subject={"reference": "Patient/1"}, code=_coded("http://s", "x")),
        _condition("c2", subject={"reference": "Patient/2"}, code=_coded("http://s", "x")),
        _observation("o1", subject={"reference": "Patient/1"}, code=_coded("http://l", "a"),
                     hasMember=[{"reference": "Observation/o2"}]),
        _observation("o2", subject={"reference": "Patient/1"}, code=_coded("http://l", "b"),
                     hasMember=[{"reference": "Observation/o3"}]),
        _observation("o3", subject={"reference": "Patient/2"}, code=_coded("http://l", "c"),
                     hasMember=[{"reference": "Observation/o1"}]),
    )  # fmt: skip
    return store


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("Condition?subject:Patient.family=un", ["Condition/c1"]),
        ("Condition?subject.family=un", ["Condition/c1"]),
        ("Condition?patient.organization.name=inst", ["Condition/c1"]),
        ("Condition?patient._id=2", ["Condition/c2"]),
        ("Condition?patient.family:missing=false&code=x", ["Condition/c1", "Condition/c2"]),
        ("Condition?patient.general-practitioner:Practitioner.family=doc", ["Condition/c1"]),
        ("Condition?subject:Group.code=x", []),
        ("Patient?_has:Condition:subject:code=http://s|x", ["Patient/1", "Patient/2"]),
        ("Patient?_has:Observation:patient:code=a", ["Patient/1"]),
        ("Patient?_has:Observation:patient:code=a&_has:Observation:patient:code=c", []),
        ("Organization?_has:Patient:organization:_has:Condition:subject:code=x", ["Organization/o"]),
        ("Condition?patient._has:Observation:subject:code=c", ["Condition/c2"]),
        ("Observation?has-member:Observation.has-member:Observation.code=c", ["Observation/o1"]),
    ],
)  # fmt: skip
def test_chain__follows_references(network: SearchStore, query: str, found: list[str]) -> None:
    assert network.find(query) == found


@pytest.mark.parametrize(
    ("query", "included"),
    [
        ("Condition?_id=c1&_include=Condition:subject", ["Patient/1"]),
        ("Condition?_id=c1&_include=Condition:subject:Group", []),
        ("Condition?_id=c1&_include=*", ["Patient/1"]),
        ("Patient?_id=1&_include=Patient:*", ["Organization/o", "Practitioner/d"]),
        ("Condition?_include=Condition:subject&_include=Patient:organization", ["Patient/1", "Patient/2"]),
        ("Condition?_id=c1&_include=Condition:subject&_include:iterate=Patient:organization",
         ["Organization/o", "Patient/1"]),
        ("Patient?_id=1&_revinclude=Condition:subject", ["Condition/c1"]),
        ("Patient?_id=1&_revinclude=Observation:*", ["Observation/o1", "Observation/o2"]),
        ("Patient?_id=2&_revinclude=Condition:subject&_revinclude=Observation:subject:Patient",
         ["Condition/c2", "Observation/o3"]),
        ("Observation?_id=o1&_include:iterate=Observation:has-member",
         ["Observation/o2", "Observation/o3"]),
        ("Observation?_id=o1&_revinclude:iterate=Observation:has-member",
         ["Observation/o2", "Observation/o3"]),
    ],
)  # fmt: skip
def test_include__sends_along(network: SearchStore, query: str, included: list[str]) -> None:
    assert sorted(names(network.search(query).included)) == included


def test_include__is_bounded(store: SearchStore) -> None:
    store.put(_patient("1"))
    store.put(*(_condition(f"c{n}", subject={"reference": "Patient/1"}) for n in range(1001)))
    result = store.search("Patient?_revinclude=Condition:subject")
    assert len(result.included) == 1000
    assert [issue.id for issue in result.issues] == ["search-includes-cut"]


def test_list__gives_its_entries(network: SearchStore) -> None:
    entries = [{"item": {"reference": one}} for one in ("Patient/2", "Condition/c1")]
    network.put({"resourceType": "List", "id": "l", "entry": entries})
    assert network.find("Patient?_list=l") == ["Patient/2"]
    assert network.find("?_list=l&_type=Patient,Condition") == ["Condition/c1", "Patient/2"]


def test_system__searches_all_types(network: SearchStore) -> None:
    assert network.find("?_id=1,c1,o1") == ["Condition/c1", "Observation/o1", "Patient/1"]
    assert network.find("?_type=Condition,Observation&subject=Patient/2") == [
        "Condition/c2", "Observation/o3",
    ]  # fmt: skip


# deleted, totals, statements -------------------------------------------------------------------------


def test_total__as_asked(network: SearchStore) -> None:
    assert network.search("Observation?_count=1").total is None
    assert network.search("Observation").total == 3
    assert network.search("Observation?_count=1&_total=accurate").total == 3
    assert (network.search("Observation?_count=1&_total=estimate").total or 0) >= 2
    counted = network.search("Observation?_summary=count&code=a")
    assert (counted.total, counted.matches) == (1, ())
    assert network.search("Observation?_count=0").total == 3


def test_match_resources__stops_at_the_limit(network: SearchStore) -> None:
    with network.database.connection() as connection:
        found = match_resources(connection, network.request("Observation?code:missing=false"))
    assert len(found) == 2


def test_cursor__of_another_search_or_changed_is_refused(network: SearchStore) -> None:
    cursor = network.search("Observation?_count=1").next_cursor or ""
    first, second = network.ordered("Observation?_count=2")
    assert network.find(f"Observation?_count=1&_cursor={cursor}") == [second] != [first]
    bad = [
        f"Observation?_count=1&code=a&_cursor={cursor}",
        f"Observation?_count=1&_cursor={cursor[:-2]}AA",
        "Observation?_count=1&_cursor=%C3%A9",
        "Observation?_count=1&_cursor=",
    ]
    for query in bad:
        with pytest.raises(Refused) as refused:
            network.search(query)
        assert (refused.value.status, refused.value.issues[0].id) == (400, "search-cursor-invalid")


# composite, explain ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("code-value-quantity=http://l|a$gt5", ["root"]),
        ("code-value-quantity=a$5.4||mg,zzz$1", ["root"]),
        ("component-code-value-quantity=a$lt5||mg", ["parts"]),
        ("component-code-value-quantity=b$9", ["parts"]),
        ("component-code-value-quantity=a$9", []),
        ("combo-code-value-quantity=a$gt0", ["parts", "root"]),
        ("component-code-value-concept=c$http://v|yes", ["parts"]),
        ("component-code-value-concept=a$yes", []),
    ],
)
def test_composite__values_stand_together(store: SearchStore, query: str, found: list[str]) -> None:
    component = [
        {"code": _coded("http://l", "a"), "valueQuantity": {"value": 3, "code": "mg"}},
        {"code": _coded("http://l", "b"), "valueQuantity": {"value": 9, "code": "mg"}},
        {"code": _coded("http://l", "c"), "valueCodeableConcept": _coded("http://v", "yes")},
    ]
    quantity = {"value": Decimal("5.4"), "code": "mg"}
    store.put(
        _observation("root", code=_coded("http://l", "a"), valueQuantity=quantity),
        _observation("parts", code=_coded("http://l", "panel"), component=component),
    )
    assert store.find(f"Observation?{query}") == [f"Observation/{one}" for one in found]


def test_composite__components_that_are_not_indexed_are_refused(store: SearchStore) -> None:
    with pytest.raises(Refused) as refused:
        store.find("MolecularSequence?chromosome-window-coordinate=1$2$3")
    assert refused.value.issues[0].id == "search-parameter-unsupported"


def test_explain__shows_predicates_statement_and_plan(network: SearchStore) -> None:
    request = network.request("Condition?subject:Patient.family=un&code=x&_sort=-recorded-date")
    with network.database.connection() as connection:
        text = str(explain(connection, request))
    assert all(
        part in text for part in ("Chained", "HasString", "SELECT r.key", "tokens @>", "Plan")
    )


def test_explain__shows_no_value(store: SearchStore) -> None:
    request = store.request(
        "Patient?name=dupont&name:contains=upon&birthdate=ge1957-03-02&identifier=http://s|4711"
    )
    with store.database.connection() as connection:
        for analyze in (False, True):
            text = str(explain(connection, request, analyze=analyze)).lower()
            assert not [one for one in ("upon", "1957", "4711", "-40488") if one in text]


# what terminology and units add ----------------------------------------------------------------------


def test_token__code_has_the_system_of_its_value_set(store: SearchStore) -> None:
    store.put(_patient("m", gender="male"), _patient("f", gender="female"))
    gender = "http://hl7.org/fhir/administrative-gender"
    assert store.find(f"Patient?gender={gender}|male") == ["Patient/m"]
    assert store.find(f"Patient?gender={gender}|") == ["Patient/f", "Patient/m"]
    assert store.find("Patient?gender=http://else.test|male") == []


def test_token__in_value_set(store: SearchStore) -> None:
    clinical = "http://terminology.hl7.org/CodeSystem/condition-clinical"
    store.put(
        _condition("a", clinicalStatus=_coded(clinical, "active")),
        _condition("b", clinicalStatus=_coded("http://else.test", "active")),
    )
    value_set = "http://hl7.org/fhir/ValueSet/condition-clinical"
    assert store.find(f"Condition?clinical-status:in={value_set}") == ["Condition/a"]
    assert store.find(f"Condition?clinical-status:not-in={value_set}") == ["Condition/b"]
    with pytest.raises(Refused) as refused:
        store.find("Condition?clinical-status:in=http://else.test/vs")
    assert refused.value.issues[0].id == "search-value-value-set"


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("5|http://unitsofmeasure.org|mg", ["g", "mg"]),
        ("0.005|http://unitsofmeasure.org|g", ["g", "mg"]),
        ("5000|http://unitsofmeasure.org|ug", ["g", "mg"]),
        ("gt4.9|http://unitsofmeasure.org|mg", ["g", "kg", "mg"]),
        ("ge5|http://unitsofmeasure.org|mg", ["g", "kg", "mg"]),
        ("5|http://unitsofmeasure.org|mm", []),
        ("5||mg", ["mg"]),
    ],
)
def test_quantity__ucum_units_are_converted(
    store: SearchStore, value: str, found: list[str]
) -> None:
    for name, number in (("mg", "5"), ("g", "0.005"), ("kg", "3")):
        quantity = {"value": Decimal(number), "code": name, "system": "http://unitsofmeasure.org"}
        store.put(_observation(name, valueQuantity=quantity))
    assert store.find(f"Observation?value-quantity={value}") == [
        f"Observation/{one}" for one in found
    ]


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("48.8566|2.3522|5|km", ["paris"]),
        ("48.8566|2.3522|395|km", ["lyon", "paris"]),
        ("48.8566|2.3522|390|km", ["paris"]),
        ("48.8566|2.3522", ["paris"]),
        ("45.764|4.8357|100|m", ["lyon"]),
    ],
)
def test_near__within_the_distance(store: SearchStore, value: str, found: list[str]) -> None:
    for name, latitude, longitude in (
        ("paris", "48.8566", "2.3522"),
        ("lyon", "45.7640", "4.8357"),
    ):
        position = {"latitude": Decimal(latitude), "longitude": Decimal(longitude)}
        store.put({"resourceType": "Location", "id": name, "position": position})
    assert store.find(f"Location?near={value}") == [f"Location/{one}" for one in found]


def test_token__above_and_below_in_the_code_system(store: SearchStore) -> None:
    system = "http://terminology.hl7.org/CodeSystem/condition-clinical"
    for code in ("active", "recurrence", "relapse", "resolved"):
        store.put(_condition(code, clinicalStatus=_coded(system, code)))
    assert store.find(f"Condition?clinical-status:below={system}|active") == [
        "Condition/active", "Condition/recurrence", "Condition/relapse",
    ]  # fmt: skip
    assert store.find(f"Condition?clinical-status:above={system}|relapse") == [
        "Condition/active", "Condition/relapse",
    ]  # fmt: skip
    with pytest.raises(Refused):
        store.find("Condition?clinical-status:below=http://else.test|x")


def _in_compartment(
    store: SearchStore, owner: tuple[str, str], resource_type: str | None, *pairs: tuple[str, str]
) -> list[str]:
    request = parse_search(
        store.indexer.parameters, resource_type, pairs,
        lenient=False, base_url="http://osteon.test/fhir", compartment=owner,
    )  # fmt: skip
    with store.database.connection() as connection:
        return sorted(names(run_search(connection, request).matches))


def test_compartment__holds_what_belongs_to_its_owner(network: SearchStore) -> None:
    owner = ("Patient", "1")
    assert _in_compartment(network, owner, "Condition") == ["Condition/c1"]
    assert _in_compartment(network, owner, "Observation", ("code", "b")) == ["Observation/o2"]
    assert _in_compartment(network, owner, None) == [
        "Condition/c1", "Observation/o1", "Observation/o2", "Patient/1",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("owner", "resource_type"),
    [(("Organization", "o"), "Patient"), (("Patient", "1"), "Organization")],
)
def test_compartment__that_does_not_exist_is_refused(
    network: SearchStore, owner: tuple[str, str], resource_type: str
) -> None:
    with pytest.raises(Refused) as refused:
        _in_compartment(network, owner, resource_type)
    assert refused.value.status == 404
