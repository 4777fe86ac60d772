"""Messages whose worker does not survive them, with worker processes that are killed."""

import multiprocessing
import os
import signal
from dataclasses import replace

import psycopg
import pytest

from fhir_server.interactions.server import FhirServer
from fhir_server.store.database import Database
from ingest.hl7v2 import Message
from ingest.mapping import MappingResult
from ingest.worker import run as worker_run
from ingest.worker.in_hand import MOST_DEATHS
from tests.ingest.journal_rows import issue_ids, queued, rows
from tests.ingest.mllp_client import adt
from tests.ingest.worker.conftest import (
    journal,
    patient_bundle,
    patients,
    work_off_all,
    worker_of,
)

DEADLY = "2"


def kills_worker(message: Message) -> MappingResult:
    """As the system does for want of memory."""
    if message.control_id == DEADLY:
        os.kill(os.getpid(), signal.SIGKILL)
    return MappingResult("C01", patient_bundle(message))


def _work(server: FhirServer, url: str) -> None:
    with Database(url) as database:
        work_off_all(database, worker_of(replace(server, database=database), kills_worker))


def work_until_killed(server: FhirServer, database: Database) -> bool:
    """Whether a worker process was killed before it had worked everything off."""
    process = multiprocessing.get_context("fork").Process(target=_work, args=(server, database.url))
    process.start()
    process.join(300)
    assert process.exitcode in {0, -signal.SIGKILL}
    return process.exitcode != 0


def states(database: Database) -> dict[str, str]:
    return {row["control_id"]: row["state"] for row in rows(database)}


def test_deadly_message__is_held_after_some_deaths_and_the_others_are_stored(
    server: FhirServer, database: Database
) -> None:
    journal(database, *(adt(n, patient=f"P{n}") for n in ("1", DEADLY, "3", "4", "5")))
    deaths = 0
    while work_until_killed(server, database):
        deaths += 1
        assert deaths <= MOST_DEATHS
    assert deaths == MOST_DEATHS
    assert states(database) == dict.fromkeys(("1", "3", "4", "5"), "stored") | {DEADLY: "held"}
    (held,) = (row for row in rows(database) if row["state"] == "held")
    assert issue_ids(held) == ["ingest-worker-ended"]
    assert (queued(database), attempts(database), patients(database)) == ([], [], 4)


def test_deadly_message__large_one_is_held_too(
    server: FhirServer, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker_run, "SMALL_BYTES", 0)
    journal(database, adt("1", patient="P1"), adt(DEADLY, patient="P2"))
    deaths = 0
    while work_until_killed(server, database):
        deaths += 1
        assert deaths <= MOST_DEATHS
    assert states(database) == {"1": "stored", DEADLY: "held"}


def test_deadly_message__those_claimed_with_it_are_taken_one_by_one_afterwards(
    server: FhirServer, database: Database
) -> None:
    journal(database, adt("1", patient="P1"), adt(DEADLY, patient="P2"), adt("3", patient="P3"))
    assert work_until_killed(server, database)
    assert states(database)["1"] == "received"
    assert work_until_killed(server, database)
    assert states(database) == {"1": "stored", DEADLY: "received", "3": "received"}


def test_deadly_message__attempts_that_a_living_worker_ends_leave_nothing(
    server: FhirServer, database: Database
) -> None:
    journal(database, adt("1"))
    work_off_all(database, worker_of(server, lambda m: MappingResult("C01", patient_bundle(m))))
    assert attempts(database) == []


def test_deadly_message__an_absent_database_is_not_blamed_on_what_is_in_hand(
    server: FhirServer, database: Database
) -> None:
    journal(database, adt("1"))

    def loses_database(_: Message) -> MappingResult:
        raise psycopg.OperationalError

    worker = worker_of(server, loses_database)
    with pytest.raises(psycopg.OperationalError):
        work_off_all(database, worker)
    assert attempts(database) == [1]
    with database.connection() as connection:
        worker.in_hand.end(connection)
    assert attempts(database) == []


def attempts(database: Database) -> list[int]:
    with database.connection() as connection:
        return [row[0] for row in connection.execute("SELECT begun FROM ingest_attempt")]
