"""What is sent conforms: Bundles to the profiles, messages to the maps."""

import pytest

from fhir_server.definitions.packages import network_definitions
from fhir_server.demo.bundles import centres_bundle, clinical_bundle, registry_bundle
from fhir_server.demo.centres import Centre
from fhir_server.demo.deliveries import deliveries
from fhir_server.demo.messages import V2Message
from fhir_server.demo.records import DemoPatient
from fhir_server.terminology import Terminology
from fhir_server.validation import Validator
from ingest.hl7v2 import Message
from ingest.mapping import map_message


@pytest.fixture(scope="module")
def validator() -> Validator:
    definitions = network_definitions()
    return Validator(definitions, Terminology(definitions))


def test_bundles__conform_to_the_profiles_they_claim(
    validator: Validator, people: list[DemoPatient], centres: dict[str, Centre]
) -> None:
    bundles = [centres_bundle(centres)]
    for person in people[:60]:
        bundles += [clinical_bundle(person, centres), registry_bundle(person, centres)]

    for bundle in bundles:
        for entry in bundle["entry"]:
            resource = entry["resource"]
            faults = [one for one in validator.validate(resource) if one.severity == "error"]
            assert not faults, (resource["resourceType"], [one.text() for one in faults])


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
