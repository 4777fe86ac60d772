"""Bundles: models of fhir.resources take them, their references resolve, they are safe to repeat."""

from collections.abc import Iterator

import pytest
from fhir.resources.R4B.bundle import Bundle

from fhir_server.demo.bundles import centres_bundle, clinical_bundle, registry_bundle
from fhir_server.demo.centres import Centre
from fhir_server.demo.records import DemoPatient
from fhir_server.demo.terms import Json


@pytest.fixture(scope="module")
def bundles(people: list[DemoPatient], centres: dict[str, Centre]) -> list[Json]:
    return [
        centres_bundle(centres),
        *(clinical_bundle(person, centres) for person in people[:120]),
        *(registry_bundle(person, centres) for person in people[:120]),
    ]


def _references(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("reference"), str):
            yield value["reference"]
        for inner in value.values():
            yield from _references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _references(inner)


def test_bundles__are_what_their_model_writes(bundles: list[Json]) -> None:
    for bundle in bundles:
        written = Bundle.model_validate(bundle).model_dump(mode="json")

        assert written == bundle


def test_bundles__create_or_update_by_identifier_only(bundles: list[Json]) -> None:
    for bundle in bundles:
        for entry in bundle["entry"]:
            request = entry["request"]
            criteria = request.get("ifNoneExist") or request["url"].partition("?")[2]
            assert criteria.startswith("identifier=")


def test_bundles__refer_to_their_own_entries_or_by_condition(bundles: list[Json]) -> None:
    for bundle in bundles:
        own = {entry["fullUrl"] for entry in bundle["entry"]}
        assert len(own) == len(bundle["entry"])
        for reference in _references(bundle):
            assert reference in own or "?identifier=" in reference


def test_bundles__replace_only_what_the_registry_alone_keeps(bundles: list[Json]) -> None:
    replaced = {
        entry["resource"]["resourceType"]
        for bundle in bundles
        for entry in bundle["entry"]
        if entry["request"]["method"] == "PUT"
    }
    assert replaced == {"Observation"}


def test_bundles__are_the_same_when_made_again(
    people: list[DemoPatient], centres: dict[str, Centre]
) -> None:
    assert clinical_bundle(people[3], centres) == clinical_bundle(people[3], centres)


def test_bundles__use_the_demonstration_oid_for_national_identities(bundles: list[Json]) -> None:
    systems = {
        identifier["system"]
        for bundle in bundles
        for entry in bundle["entry"]
        if entry["resource"]["resourceType"] == "Patient"
        for identifier in entry["resource"]["identifier"]
    }

    assert {one for one in systems if one.startswith("urn:oid:")} == {
        "urn:oid:1.2.250.1.213.1.4.11"
    }
