"""A merge on a real store: records linked, references moved, later messages to the survivor."""

import pytest

from fhir_server.interactions.server import FhirServer
from fhir_server.store.database import Database
from ingest.mapping import default_library, draft_message
from ingest.worker.message import MessageWorker
from ingest.worker.stored import StoredResources
from tests.ingest.journal_rows import rows
from tests.ingest.mapping.test_families import FAMILY
from tests.ingest.mapping.test_merge import (
    MERGE,
    MOVED_LATER,
    RETIRED,
    STAY_OF_RETIRED,
    SURVIVOR,
)
from tests.ingest.worker.conftest import journal, work_off_all


@pytest.fixture
def worker(server: FhirServer, centres: None) -> MessageWorker:
    register = default_library().register
    return MessageWorker(server, register, draft_message, StoredResources(server))


def test_merge__of_stored_records_moves_what_refers_to_them(
    worker: MessageWorker, server: FhirServer, database: Database
) -> None:
    sent = [RETIRED, SURVIVOR, STAY_OF_RETIRED, MERGE, MOVED_LATER]
    journal(database, *(message.raw for message in sent))
    work_off_all(database, worker)
    assert {(row["state"], row["type"]) for row in rows(database)} == {
        ("stored", "ADT^A28"), ("stored", "ADT^A01"), ("stored", "ADT^A40"), ("stored", "ADT^A31"),
    }  # fmt: skip
    stored = StoredResources(server)
    (survivor,) = stored("Patient", {"active": "true"})
    assert survivor["address"][0]["city"] == "Ville-Nouvelle"
    assert len(stored("Encounter", {"subject": f"Patient/{survivor['id']}"})) == 2


def test_families__are_stored(
    worker: MessageWorker, server: FhirServer, database: Database
) -> None:
    journal(database, *(message.raw for message in FAMILY.values()))
    work_off_all(database, worker)
    states = {(row["type"], row["state"]): row["issues"] for row in rows(database)}
    assert {state for _, state in states} == {"stored"}, states
