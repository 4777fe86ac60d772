import pytest

from fhir_server.model.issues import Refused
from tests.search.conftest import SearchStore, names
from tests.search.invented import condition, patient


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


@pytest.mark.parametrize(
    "query",
    [
        "Condition?_include=Condition:subject&_include=Patient:organization",
        "Condition?_include=Patient:*",
        "Condition?_include=Condition:subject:Organization",
        "Condition?_include:iterate=Condition:subject:Organization",
        "Patient?_revinclude=Patient:organization",
        "Patient?_revinclude=Observation:subject:Group",
    ],
)
def test_include__that_could_add_nothing_is_refused(network: SearchStore, query: str) -> None:
    with pytest.raises(Refused) as refused:
        network.request(query)
    assert [issue.id for issue in refused.value.issues] == ["search-include-elsewhere"]
    request = network.request(query, lenient=True)
    assert [issue.severity for issue in request.dropped] == ["warning"]
    assert query.rpartition("=")[2] not in request.self_query()


def test_include__is_bounded(store: SearchStore) -> None:
    store.put(patient("1"))
    store.put(*(condition(f"c{n}", subject={"reference": "Patient/1"}) for n in range(1001)))
    result = store.search("Patient?_revinclude=Condition:subject")
    assert len(result.included) == 1000
    assert [issue.id for issue in result.issues] == ["search-includes-cut"]


@pytest.fixture
def answered(store: SearchStore) -> SearchStore:
    """Answers to two questionnaires, one named with its version, and one to none that is stored."""
    store.put(
        *(
            {"resourceType": "Questionnaire", "id": name, "url": f"http://q.test/{name}", "title": name}
            for name in ("pain", "sleep")
        ),
        *(
            {"resourceType": "QuestionnaireResponse", "id": f"r{number}", "status": "completed",
             "questionnaire": canonical}
            for number, canonical in enumerate(
                ("http://q.test/pain", "http://q.test/pain|2", "http://q.test/sleep", "http://q.test/x")
            )
        ),
    )  # fmt: skip
    return store


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("questionnaire.title=pain", [0, 1]),
        ("questionnaire:Questionnaire.title:contains=lee", [2]),
        ("questionnaire.url=http://q.test/sleep", [2]),
        ("questionnaire.title=other", []),
        ("questionnaire.title=pain&status=completed&questionnaire=http://q.test/pain|2", [1]),
        ("questionnaire.url:missing=false", [0, 1, 2]),
    ],
)
def test_chain__follows_canonicals(answered: SearchStore, query: str, found: list[int]) -> None:
    assert answered.find(f"QuestionnaireResponse?{query}") == [
        f"QuestionnaireResponse/r{number}" for number in found
    ]


def test_chain__to_words_keeps_to_the_type_that_is_named(store: SearchStore) -> None:
    store.put(
        patient("p", name=[{"family": "foo"}]),
        {"resourceType": "Group", "id": "g", "type": "person", "actual": True, "name": "foo"},
        condition("c1", subject={"reference": "Patient/p"}),
        condition("c2", subject={"reference": "Group/g"}),
    )
    assert store.find("Condition?subject:Patient._content=foo") == ["Condition/c1"]
    assert store.find("Condition?subject:Group._content=foo") == ["Condition/c2"]
    assert store.find("Condition?subject:Patient._filter=_type eq Group and name eq foo") == []
