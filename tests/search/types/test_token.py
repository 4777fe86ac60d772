import pytest

from fhir_server.model.issues import Refused
from tests.search.conftest import SearchStore
from tests.search.invented import coded, condition, patient


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
        condition("a", code=coded("http://s", "c1")),
        condition("b", code=coded("http://t", "c1")),
        condition("c", code=coded("http://s", "c2")),
        condition("n", code=coded(None, "c1")),
        condition("e", code=coded(None, "a,b|c")),
    )
    pairs = store.find(f"Condition?code={value}".replace("\\", "%5C"))
    assert pairs == [f"Condition/{one}" for one in sorted(found)]


def test_token__repeated_parameter_is_and(store: SearchStore) -> None:
    both = [coded("http://s", "x"), coded("http://s", "y")]
    store.put(condition("a", category=both), condition("b", category=both[:1]))
    assert store.find("Condition?category=x&category=y") == ["Condition/a"]


def test_token__not_includes_those_without_value(store: SearchStore) -> None:
    store.put(patient("m", gender="male"), patient("f", gender="female"), patient("n"))
    assert store.find("Patient?gender:not=male") == ["Patient/f", "Patient/n"]


def test_token__missing(store: SearchStore) -> None:
    store.put(patient("m", gender="male"), patient("n"))
    assert store.find("Patient?gender:missing=true") == ["Patient/n"]
    assert store.find("Patient?gender:missing=false") == ["Patient/m"]


def test_token__boolean_and_computed(store: SearchStore) -> None:
    store.put(
        patient("a", active=True),
        patient("b", active=False, deceasedDateTime="2020"),
        patient("c", deceasedBoolean=False),
    )
    assert store.find("Patient?active=true") == ["Patient/a"]
    assert store.find("Patient?deceased=true") == ["Patient/b"]
    assert store.find("Patient?deceased=false") == ["Patient/a", "Patient/c"]


def test_token__text_begins(store: SearchStore) -> None:
    store.put(
        condition("a", code={"text": "Ostéosarcome du fémur"}),
        condition("b", code=coded("http://s", "c", display="Osteosarcoma")),
    )
    assert store.find("Condition?code:text=osteosarco") == ["Condition/a", "Condition/b"]
    assert store.find("Condition?code:text=fémur") == []


def test_token__identifier_of_type(store: SearchStore) -> None:
    kind = {"coding": [{"system": "http://k", "code": "MR"}]}
    store.put(
        patient("a", identifier=[{"type": kind, "system": "http://h", "value": "17"}]),
        patient("b", identifier=[{"system": "http://h", "value": "17"}]),
    )
    assert store.find("Patient?identifier:of-type=http://k|MR|17") == ["Patient/a"]
    assert store.find("Patient?identifier=http://h|17") == ["Patient/a", "Patient/b"]


def test_token__code_has_the_system_of_its_value_set(store: SearchStore) -> None:
    store.put(patient("m", gender="male"), patient("f", gender="female"))
    gender = "http://hl7.org/fhir/administrative-gender"
    assert store.find(f"Patient?gender={gender}|male") == ["Patient/m"]
    assert store.find(f"Patient?gender={gender}|") == ["Patient/f", "Patient/m"]
    assert store.find("Patient?gender=http://else.test|male") == []


def test_token__in_value_set(store: SearchStore) -> None:
    clinical = "http://terminology.hl7.org/CodeSystem/condition-clinical"
    store.put(
        condition("a", clinicalStatus=coded(clinical, "active")),
        condition("b", clinicalStatus=coded("http://else.test", "active")),
    )
    value_set = "http://hl7.org/fhir/ValueSet/condition-clinical"
    assert store.find(f"Condition?clinical-status:in={value_set}") == ["Condition/a"]
    assert store.find(f"Condition?clinical-status:not-in={value_set}") == ["Condition/b"]
    with pytest.raises(Refused) as refused:
        store.find("Condition?clinical-status:in=http://else.test/vs")
    assert refused.value.issues[0].id == "search-value-value-set"


def test_token__above_and_below_in_the_code_system(store: SearchStore) -> None:
    system = "http://terminology.hl7.org/CodeSystem/condition-clinical"
    for code in ("active", "recurrence", "relapse", "resolved"):
        store.put(condition(code, clinicalStatus=coded(system, code)))
    assert store.find(f"Condition?clinical-status:below={system}|active") == [
        "Condition/active", "Condition/recurrence", "Condition/relapse",
    ]  # fmt: skip
    assert store.find(f"Condition?clinical-status:above={system}|relapse") == [
        "Condition/active", "Condition/relapse",
    ]  # fmt: skip
    with pytest.raises(Refused):
        store.find("Condition?clinical-status:below=http://else.test|x")
