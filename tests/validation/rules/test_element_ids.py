"""The rules of `validation/rules/element_ids.py`: what keeps them, and what breaks them.

Source: FHIR R4 Element.id, https://hl7.org/fhir/R4/element-definitions.html#Element.id
"""

from typing import Any

from tests.validation.rules.conftest import Judge
from tests.validation.rules.definitions import observation, patient

RULE = "element-id-twice"


def repeated(found: set[tuple[str, str]]) -> set[str]:
    return {place for rule, place in found if rule == RULE}


def named(*ids: str) -> list[dict[str, Any]]:
    return [{"id": own_id, "family": f"Example {at}"} for at, own_id in enumerate(ids)]


def test_element_ids__each_is_given_once(judge: Judge) -> None:
    assert repeated(judge(patient(name=named("a", "b")))) == set()
    assert repeated(judge(patient(name=named("a", "b", "a")))) == {"Patient.name[2]"}


def test_element_ids__those_of_primitives_count(judge: Judge) -> None:
    beside = patient(birthDate="1970", _birthDate={"id": "a"}, name=named("a"))
    assert repeated(judge(beside)) == {"Patient.birthDate"}
    given = patient(name=[{"given": ["A", "B"], "_given": [{"id": "a"}, {"id": "a"}]}])
    assert repeated(judge(given)) == {"Patient.name[0].given[1]"}


def test_element_ids__a_choice_is_named_by_its_type(judge: Judge) -> None:
    found = judge(observation(code={"id": "a", "text": "x"}, valueQuantity={"id": "a", "value": 1}))
    assert repeated(found) == {"Observation.value.ofType(Quantity)"}


def test_element_ids__the_id_of_the_resource_is_no_elements(judge: Judge) -> None:
    assert repeated(judge(patient(id="a", name=named("a")))) == set()


def test_element_ids__a_contained_resource_has_its_own(judge: Judge) -> None:
    def about(*ids: str) -> dict[str, Any]:
        person = patient(id="p", name=named(*ids))
        return observation(
            contained=[person], subject={"reference": "#p"}, code={"id": "a", "text": "x"}
        )

    assert repeated(judge(about("a"))) == set()
    assert repeated(judge(about("b", "b"))) == {"Observation.contained[0].name[1]"}


def test_element_ids__an_entry_has_its_own(judge: Judge) -> None:
    def bundle(*ids: str) -> dict[str, Any]:
        entry = {"id": "a", "resource": patient(name=named(*ids))}
        return {"resourceType": "Bundle", "type": "collection", "entry": [entry]}

    assert repeated(judge(bundle("a"))) == set()
    assert repeated(judge(bundle("a", "a"))) == {"Bundle.entry[0].resource.name[1]"}


def test_element_ids__those_of_definitions_are_paths(judge: Judge) -> None:
    view = {"element": [{"id": "Patient", "path": "Patient"}]}
    profile = {
        "resourceType": "StructureDefinition", "url": "http://example.org/p", "name": "P",
        "status": "draft", "kind": "resource", "abstract": False, "type": "Patient",
        "baseDefinition": "http://hl7.org/fhir/StructureDefinition/Patient",
        "derivation": "constraint", "differential": view, "snapshot": view,
    }  # fmt: skip
    assert repeated(judge(profile)) == set()
