"""Mapped messages in a real store: one transaction each, found and merged the next time."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from fhir_server.interactions.search_type import search_type
from fhir_server.interactions.server import FhirServer, open_server
from fhir_server.interactions.transaction import transaction
from fhir_server.model.json_source import parse_json
from fhir_server.settings import Settings
from fhir_server.store.database import Database
from ingest.hl7v2 import Message
from ingest.mapping import default_library, map_message, organizations_bundle
from ingest.worker.leniency import forgiving
from tests.ingest.mapping.conftest import read_message


class ServedResources:
    """`Stored` over the search interaction."""

    def __init__(self, server: FhirServer) -> None:
        self.server = server

    def __call__(
        self, resource_type: str, parameters: Mapping[str, str]
    ) -> Sequence[dict[str, Any]]:
        with self.server.database.connection() as connection:
            answer = search_type(self.server, connection, resource_type, list(parameters.items()))
        entries = parse_json(answer.body or b"{}").get("entry", ())
        return [entry["resource"] for entry in entries]


@pytest.fixture(scope="module")
def opened() -> FhirServer:
    settings = Settings(base_url="http://testserver/fhir")
    return open_server(forgiving(settings), Database("postgresql:///never-opened"))


@pytest.fixture
def stored(opened: FhirServer, database: Database) -> ServedResources:
    server = replace(opened, database=database)
    transaction(server, organizations_bundle(default_library().register.centres.values()))
    return ServedResources(server)


def write(stored: ServedResources, message: Message) -> None:
    result = map_message(message, stored=stored)
    assert not result.held, result.held
    if result.bundle is not None:
        transaction(stored.server, result.bundle)


def test_messages__of_a_patient_are_stored_once_and_found_again(stored: ServedResources) -> None:
    messages = [
        read_message(name) for name in ("oru_r01_narrative", "adt_a01_pam_fr", "oru_r01_synoptic")
    ]
    for message in messages:
        write(stored, message)
    (patient,) = stored("Patient", {"identifier": "https://osteon.example/sid/ipp/C01|100001"})
    assert patient["address"][0]["city"] == "Ville-Fictive"
    (tumour,) = stored("Condition", {"subject": f"Patient/{patient['id']}"})
    assert len(tumour["evidence"][0]["detail"]) == 2
    assert len(stored("DiagnosticReport", {"subject": f"Patient/{patient['id']}"})) == 2


def test_message__again_asks_for_nothing(stored: ServedResources) -> None:
    message = read_message("oru_r01_narrative")
    write(stored, message)
    assert map_message(message, stored=stored).bundle is None
