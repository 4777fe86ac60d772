"""The rules of `validation/rules/profiles.py`: what keeps them, and what breaks them.

Source: FHIR R4 Meta.profile, https://hl7.org/fhir/R4/resource.html#Meta
"""

import pytest

from fhir_server.definitions import core_definitions
from fhir_server.validation import Validator
from fhir_server.validation.strictness import Strictness
from tests.validation.rules.conftest import Judge
from tests.validation.rules.definitions import (
    HEAD,
    bundle,
    claiming,
    observation,
    patient,
    profile,
    url,
)

PLACE = "Patient.meta.profile[0]"
NAMED = profile("Patient", {"path": "Patient.name", "min": 1})
GUIDE = {
    "resourceType": "ImplementationGuide", **HEAD, "packageId": "osteon.example",
    "fhirVersion": ["4.0.1"], "global": [{"type": "Patient", "profile": url("p")}],
}  # fmt: skip


def test_profiles__claimed_profile_is_known(judge: Judge) -> None:
    assert judge(claiming(patient(name=[{"family": "A"}])), NAMED) == set()
    assert judge(claiming(patient(), "none")) == {("profile-not-checked", PLACE)}


def test_profiles__claimed_by_a_carried_resource_is_a_warning(judge: Judge) -> None:
    assert judge(bundle("collection", claiming(patient(), "none"))) == {
        ("profile-not-checked", "Bundle.entry[0].resource.meta.profile[0]")
    }


def test_profiles__asked_for_is_known(judge: Judge) -> None:
    assert judge(patient(), profiles=(url("none"),)) == {("profile-unknown", "Patient")}
    assert judge(patient(), NAMED, profiles=(url("p"),)) == {("cardinality-min", "Patient")}


def test_profiles__for_another_type(judge: Judge) -> None:
    assert judge(claiming(observation()), NAMED) == {("profile-wrong-type", "Observation")}


def test_profiles__on_what_its_base_does_not_have(judge: Judge) -> None:
    coloured = profile("Patient", {"path": "Patient.colour"})
    assert judge(claiming(patient()), coloured) == {("profile-unknown-element", PLACE)}


def test_profiles__on_an_unknown_base(judge: Judge) -> None:
    orphan = profile("Patient", {"path": "Patient.name"}, base=url("none"))
    assert judge(claiming(patient()), orphan) == {("profile-unknown-base", PLACE)}


def test_profiles__resting_on_itself(judge: Judge) -> None:
    circle = profile("Patient", {"path": "Patient.name"}, base=url("p"))
    assert judge(claiming(patient()), circle) == {("profile-cycle", PLACE)}


def test_profiles__of_another_release_are_left_out(judge: Judge) -> None:
    other = {"profile": ["http://hl7.org/fhir/5.0/StructureDefinition/Patient"]}
    assert judge(patient(meta=other)) == {("profile-other-version", "Patient")}


def test_profiles__asked_of_a_type_by_a_guide(judge: Judge) -> None:
    assert judge(patient(), NAMED, GUIDE) == {("cardinality-min", "Patient")}
    assert judge(patient(name=[{"family": "A"}]), NAMED, GUIDE) == set()


def test_profiles__value_conforms_to_one_of_those_of_its_type(judge: Judge) -> None:
    by_family = profile("HumanName", {"path": "HumanName.family", "min": 1}, name="family")
    by_text = profile("HumanName", {"path": "HumanName.text", "min": 1}, name="text")
    either = {"code": "HumanName", "profile": [url("family"), url("text")]}
    asking = profile("Patient", {"path": "Patient.name", "type": [either]})
    assert judge(claiming(patient(name=[{"family": "A"}])), asking, by_family, by_text) == set()
    assert judge(claiming(patient(name=[{"given": ["A"]}])), asking, by_family, by_text) == {
        ("type-profile-none", "Patient.name[0]")
    }


@pytest.mark.parametrize("abstract", ["Resource", "DomainResource"])
def test_profiles__abstract_type_leaves_what_it_does_not_know_to_the_own_type(
    judge: Judge, abstract: str
) -> None:
    profiles = (f"http://hl7.org/fhir/StructureDefinition/{abstract}",)
    named = patient(name=[{"family": "A"}], active=True)
    assert judge(named, profiles=profiles) == set()
    assert judge(patient(nme="A"), profiles=profiles) == {("unknown-element", "Patient")}
    assert judge(patient(active="A"), profiles=profiles) == {("primitive-form", "Patient.active")}


def test_profiles__of_an_abstract_type_asks_what_it_adds(judge: Judge) -> None:
    language = profile("DomainResource", {"path": "DomainResource.language", "min": 1})
    assert judge(patient(active=True), language, profiles=(url("p"),)) == {
        ("cardinality-min", "Patient")
    }
    assert judge(patient(active=True, language="fr"), language, profiles=(url("p"),)) == set()


def test_profiles__claimed_and_not_loaded_is_an_error_for_those_who_want_it() -> None:
    strict = Validator(core_definitions(), strictness=Strictness(profiles="error"))
    given = claiming(patient(), "none")
    assert ("profile-unknown", "error") in {(i.id, i.severity) for i in strict.validate(given)}
    assert not strict.accepts(given)
    assert Validator(core_definitions()).accepts(given)
