"""What is sent conforms: Bundles to the profiles, messages to the maps and the profiles."""

from collections.abc import Iterator

import pytest

from fhir_server.definitions.packages import network_definitions
from fhir_server.demo.bundles import centres_bundle, clinical_bundle
from fhir_server.demo.centres import Centre
from fhir_server.demo.deliveries import Transaction, deliveries
from fhir_server.demo.messages import V2Message
from fhir_server.demo.network import patients
from fhir_server.demo.records import DemoPatient
from fhir_server.demo.terms import PROFILE, Json
from fhir_server.terminology import Terminology
from fhir_server.validation import Validator
from ingest.hl7v2 import Message
from ingest.mapping import map_message

SEEDS = (1, 2, 3, 11)


@pytest.fixture(scope="module")
def validator() -> Validator:
    definitions = network_definitions()
    return Validator(definitions, Terminology(definitions))


def sent(seed: int, count: int, centres: dict[str, Centre]) -> Iterator[Json]:
    """Every resource of a network, those that messages become among them."""
    bundles = [centres_bundle(centres)]
    for person in patients(seed, count, centres):
        bundles += [bundle_of(delivery) for delivery in deliveries(person, centres)]
    return (entry["resource"] for bundle in bundles for entry in bundle["entry"])


def bundle_of(delivery: Transaction | V2Message) -> Json:
    if isinstance(delivery, Transaction):
        return delivery.bundle
    result = map_message(Message.parse(delivery.content))
    assert result.bundle is not None, [one.text() for one in result.held]
    return result.bundle


@pytest.mark.parametrize("seed", SEEDS)
def test_demo__sends_only_resources_of_our_profiles_all_conforming(
    seed: int, validator: Validator, centres: dict[str, Centre]
) -> None:
    for resource in sent(seed, 15, centres):
        claims = resource.get("meta", {}).get("profile", [])
        assert claims, resource["resourceType"]
        assert all(claim.startswith(PROFILE) for claim in claims)
        faults = [one.text() for one in validator.validate(resource) if one.severity == "error"]
        assert not faults, (resource["resourceType"], claims, faults)


def test_messages__are_mapped_and_none_is_held(
    people: list[DemoPatient], centres: dict[str, Centre]
) -> None:
    for person in people[:60]:
        for delivery in deliveries(person, centres):
            if isinstance(delivery, V2Message):
                result = map_message(Message.parse(delivery.content))
                assert result.bundle is not None, [one.text() for one in result.held]
                assert not result.issues


def test_messages__become_the_resources_that_bundles_create(
    people: list[DemoPatient], centres: dict[str, Centre]
) -> None:
    """The identifiers by which the maps write are those by which the Bundles create."""
    for person in people[:60]:
        own = {
            (entry["resource"]["resourceType"], one["system"], one["value"])
            for entry in clinical_bundle(person, centres)["entry"]
            for one in entry["resource"]["identifier"]
        }
        for delivery in deliveries(person, centres):
            if isinstance(delivery, V2Message):
                bundle = map_message(Message.parse(delivery.content)).bundle
                assert bundle is not None
                for entry in bundle["entry"]:
                    resource = entry["resource"]
                    kind = resource["resourceType"]
                    if kind in {"Patient", "Condition", "Specimen", "DiagnosticReport"}:
                        first = resource["identifier"][0]
                        assert (kind, first["system"], first["value"]) in own
