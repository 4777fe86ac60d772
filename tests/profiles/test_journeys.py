"""The six patient journeys: each resource conforms, and each Bundle can be sent twice."""

from typing import Any

import pytest

from fhir_server.definitions.packages import network_definitions
from fhir_server.validation.validator import Validator
from tests.profiles.network import BASE, Resource, example, example_paths, profiles

JOURNEYS = example_paths("journeys")
NAMES = [path.stem for path in JOURNEYS]


@pytest.fixture(scope="module")
def validator() -> Validator:
    return Validator(network_definitions())


def resources(bundle: Resource) -> list[Resource]:
    return [entry["resource"] for entry in bundle["entry"]]


def references(node: Any) -> list[str]:
    if isinstance(node, dict):
        own = [node["reference"]] if isinstance(node.get("reference"), str) else []
        return own + [each for value in node.values() for each in references(value)]
    return [each for value in node for each in references(value)] if isinstance(node, list) else []


def test_journeys__are_the_six_of_the_guide() -> None:
    assert NAMES == [
        "chondrosarcoma-pelvis",
        "chordoma-sacrum",
        "ewing-fusion",
        "giant-cell-discordant",
        "osteosarcoma-adolescent",
        "second-tumour",
    ]


@pytest.mark.parametrize("path", JOURNEYS, ids=NAMES)
def test_journey__resources_claim_a_profile_and_conform(path: Any, validator: Validator) -> None:
    known = {each["url"] for each in profiles()}
    for resource in resources(example(path)):
        assert set(resource["meta"]["profile"]) <= known
        issues = [
            (issue.id, issue.expression, issue.parameters)
            for issue in validator.validate(resource)
            if issue.severity == "error"
            or (issue.severity == "warning" and (issue.profile or "").startswith(BASE))
        ]
        assert issues == []


@pytest.mark.parametrize("path", JOURNEYS, ids=NAMES)
def test_journey__bundle_conforms(path: Any, validator: Validator) -> None:
    assert [issue for issue in validator.validate(example(path)) if issue.severity == "error"] == []


@pytest.mark.parametrize("path", JOURNEYS, ids=NAMES)
def test_journey__entries_are_created_once(path: Any) -> None:
    for entry in example(path)["entry"]:
        identifier = entry["resource"]["identifier"][0]
        assert entry["request"] == {
            "method": "POST",
            "url": entry["resource"]["resourceType"],
            "ifNoneExist": f"identifier={identifier['system']}|{identifier['value']}",
        }


@pytest.mark.parametrize("path", JOURNEYS, ids=NAMES)
def test_journey__references_stay_inside(path: Any) -> None:
    bundle = example(path)
    assert set(references(bundle)) <= {entry["fullUrl"] for entry in bundle["entry"]}


def test_journeys__share_a_centre_under_one_full_url() -> None:
    full_urls: dict[str, set[str]] = {}
    for path in JOURNEYS:
        for entry in example(path)["entry"]:
            full_urls.setdefault(entry["request"]["ifNoneExist"], set()).add(entry["fullUrl"])
    assert [key for key, urls in full_urls.items() if len(urls) > 1] == []


def test_journeys__show_every_clinical_profile() -> None:
    shown = {
        url
        for path in JOURNEYS
        for each in resources(example(path))
        for url in each["meta"]["profile"]
    }
    elsewhere = {
        "secondary-bone-lesion",
        "haematological-bone-localisation",
        "network-provenance",
        "minimal-data-set-response",
    }
    assert {each["id"] for each in profiles() if each["url"] not in shown} == elsewhere
