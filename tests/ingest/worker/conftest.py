"""A journal with messages in it and a server to store them in."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import psycopg

from fhir_server.interactions.server import FhirServer
from fhir_server.store.database import Database
from fhir_server.store.resource_types import TYPE_NUMBERS
from ingest.hl7v2 import Message
from ingest.journal.append import append
from ingest.journal.reception import Reception
from ingest.mapping import Draft, MappingResult, Question, default_library
from ingest.worker.message import DraftMessage, MessageWorker
from ingest.worker.run import work_off_some

Map = Callable[[Message], MappingResult]


def journal(database: Database, *messages: bytes) -> list[int]:
    """Put messages into the journal as the MLLP server does; their ids."""

    async def write() -> list[int]:
        reception = Reception(default_library().register)
        ids = []
        async with await psycopg.AsyncConnection.connect(
            database.url, autocommit=True
        ) as connection:
            for message in messages:
                (done,) = await append(connection, [reception.receive(message, "test")])
                ids.append(done.id)
        return ids

    return asyncio.run(write())


class NothingStored:
    """For mappings that do not look."""

    def __call__(
        self, _resource_type: str, _parameters: Mapping[str, str], /
    ) -> Sequence[dict[str, Any]]:
        return []

    def answers(
        self, _questions: Sequence[Question], /
    ) -> Mapping[Question, Sequence[dict[str, Any]]]:
        return {}


def worker_of(server: FhirServer, map_message: Map) -> MessageWorker:
    """A worker with a mapping of the test's own."""
    return real_worker(server, lambda message: Draft(lambda _stored: map_message(message)))


def real_worker(server: FhirServer, draft_message: DraftMessage) -> MessageWorker:
    return MessageWorker(server, default_library().register, draft_message, NothingStored())


def work_off_all(database: Database, worker: MessageWorker) -> int:
    """Work until nothing can be claimed; how many claims there were."""
    total = 0
    with psycopg.connect(database.url, autocommit=True) as connection:
        while claimed := work_off_some(connection, worker):
            total += claimed
    return total


def patient_bundle(message: Message, **more: Any) -> dict[str, Any]:
    """The smallest Bundle for a message: its patient, created once."""
    number = message.get("PID-3") or ""
    identifier = {"system": "https://osteon.example/sid/test", "value": number}
    resource = {"resourceType": "Patient", "identifier": [identifier], **more}
    url = f"Patient?identifier=https://osteon.example/sid/test|{number}"
    return {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [{"resource": resource, "request": {"method": "PUT", "url": url}}],
    }


def patients(database: Database) -> int:
    """How many current Patients the store has."""
    with database.connection() as connection:
        found = connection.execute(
            "SELECT count(*) FROM resource WHERE NOT deleted AND type = %s",
            (TYPE_NUMBERS["Patient"],),
        ).fetchone()
    return found[0] if found else 0
