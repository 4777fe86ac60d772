"""The rules of `validation/rules/references.py`: what keeps them, and what breaks them.

Source: FHIR R4 §2.3.0, https://hl7.org/fhir/R4/references.html
"""

from typing import Any

import pytest

from tests.validation.rules.conftest import Judge
from tests.validation.rules.definitions import (
    CORE,
    bundle,
    claiming,
    observation,
    patient,
    profile,
    url,
    urn,
)

PLACE = "Observation.subject"


def about(reference: str, **members: Any) -> dict[str, Any]:
    return observation(subject={"reference": reference}, **members)


def typed(**members: Any) -> dict[str, Any]:
    entry = {"code": "Reference", "targetProfile": [f"{CORE}/Patient"], **members}
    return profile("Observation", {"path": PLACE, "type": [entry]})


@pytest.mark.parametrize(
    ("resource", "expected"),
    [
        (about("Patient/1"), None),
        (about("https://osteon.example/fhir/Patient/1"), None),
        (about("Nothing/1"), "reference-form"),
        (about("Practitioner/1"), "reference-type"),
        (observation(subject={"type": "Practitioner", "display": "A"}), "reference-type"),
        (about("#a", contained=[patient(id="a", active=True)]), None),
        (about("#b"), "reference-contained-missing"),
        (observation(contained=[patient(id="a", active=True)],
                     subject={"reference": "#a", "type": "Group"}), "reference-stated-type"),
        (observation(subject={"reference": "Patient/1", "type": "Group"}), "reference-stated-type"),
        (observation(subject={"reference": "Patient/1", "type": "Patient"}), None),
        (observation(subject={"reference": "urn:oid:1.2.3", "type": "Group"}), None),
    ],
)  # fmt: skip
def test_references__form_and_type_of_the_target(
    judge: Judge, resource: dict[str, Any], expected: str | None
) -> None:
    found = judge(resource)
    assert found == set() if expected is None else (expected, PLACE) in found


def test_references__entry_of_a_bundle_is_found_once(judge: Judge) -> None:
    place = "Bundle.entry[0].resource.subject"
    assert judge(bundle("collection", about(urn(1)), patient())) == set()
    twice = bundle("collection", about(urn(1)), patient(), patient(active=True))
    twice["entry"][2]["fullUrl"] = urn(1)
    assert ("reference-ambiguous", place) in judge(twice)


def test_references__what_is_passed_together_refers_to_each_other(judge: Judge) -> None:
    def passed(reference: str) -> dict[str, Any]:
        resources = about(reference), patient(id="1")
        parts = [{"name": "resource", "resource": resource} for resource in resources]
        return {"resourceType": "Parameters", "parameter": parts}

    place = "Parameters.parameter[0].resource.subject"
    assert judge(passed("Patient/1")) == set()
    assert judge(passed("Patient/2")) == {("reference-not-in-parameters", place)}


def test_references__aggregation(judge: Judge) -> None:
    contained = about("#a", contained=[patient(id="a", active=True)])
    assert judge(claiming(contained), typed(aggregation=["contained"])) == set()
    assert judge(claiming(about("Patient/1")), typed(aggregation=["contained"])) == {
        ("reference-aggregation", PLACE)
    }


@pytest.mark.parametrize(
    ("wanted", "right", "wrong"),
    [
        ("specific", "Patient/1/_history/2", "Patient/1"),
        ("independent", "Patient/1", "Patient/1/_history/2"),
    ],
)
def test_references__versioning(judge: Judge, wanted: str, right: str, wrong: str) -> None:
    assert judge(claiming(about(right)), typed(versioning=wanted)) == set()
    assert judge(claiming(about(wrong)), typed(versioning=wanted)) == {
        ("reference-versioning", PLACE)
    }


def test_references__target_conforms_to_a_profile(judge: Judge) -> None:
    named = profile("Patient", {"path": "Patient.name", "min": 1}, name="named")
    asking = typed(targetProfile=[url("named")])
    nameless = claiming(about("#a", contained=[patient(id="a", active=True)]))
    with_name = claiming(about("#a", contained=[patient(id="a", name=[{"family": "A"}])]))
    assert judge(with_name, asking, named) == set()
    assert judge(nameless, asking, named) == {("reference-profile", PLACE)}


@pytest.mark.parametrize("kind", [5, {"text": "Patient"}, ["Patient"]])
def test_references__what_is_no_name_of_a_type_is_told_where_it_stands(
    judge: Judge, kind: Any
) -> None:
    stated = observation(subject={"reference": urn(1), "type": kind})
    assert {f"{PLACE}.type"} == {place for _, place in judge(stated)}
    typeless = bundle("collection", about(urn(1)), {**patient(), "resourceType": kind})
    assert judge(typeless) == {("json-not-a-resource", "Bundle.entry[1].resource")}


def test_references__a_search_is_for_transactions(judge: Judge) -> None:
    conditional = about("Patient?identifier=https://osteon.example/id|1", id="1")
    request = {"method": "POST", "url": "Observation"}
    wrong = ("reference-form", "Bundle.entry[0].resource.subject")

    def within(kind: str, **members: Any) -> set[tuple[str, str]]:
        entry = {
            "fullUrl": "https://osteon.example/fhir/Observation/1",
            "resource": conditional,
            **members,
        }
        return judge({"resourceType": "Bundle", "type": kind, "entry": [entry]})

    assert wrong in within("collection")
    assert wrong in within("batch", request=request)
    assert wrong not in within("transaction", request=request)
    assert judge(conditional) == set()
