import threading
import time
from datetime import timedelta

import psycopg
import pytest

from fhir_server.interactions.server import FhirServer
from fhir_server.model.issues import error, refuse, warning
from fhir_server.store.database import Database
from ingest.hl7v2 import Message
from ingest.journal.record import CHANNEL
from ingest.mapping import MappingResult
from ingest.worker import message as worker_message
from ingest.worker import queue
from ingest.worker.message import pause_after
from ingest.worker.run import forget_news, run_worker, work_off_some
from tests.ingest.journal_rows import issue_ids, queued, rows
from tests.ingest.mllp_client import adt
from tests.ingest.worker.conftest import (
    journal,
    patient_bundle,
    patients,
    work_off_all,
    worker_of,
)


def stores_patient(message: Message) -> MappingResult:
    return MappingResult(centre="C01", bundle=patient_bundle(message))


def make_due(database: Database) -> None:
    with database.connection() as connection:
        connection.execute("UPDATE ingest_queue SET due = now()")


def test_worker__stores_the_resources_and_the_state(server: FhirServer, database: Database) -> None:
    journal(database, adt("1"))
    work_off_all(database, worker_of(server, stores_patient))
    (row,) = rows(database)
    assert (row["state"], row["centre"], row["attempts"]) == ("stored", "C01", 1)
    assert row["processed"] is not None
    (resource,) = row["resources"]
    assert resource.startswith("Patient/")
    assert resource.endswith("/_history/1")
    assert (queued(database), patients(database)) == ([], 1)


def test_worker__findings_that_did_not_stop_the_mapping_are_kept(
    server: FhirServer, database: Database
) -> None:
    journal(database, adt("1"))
    finding = warning("v2-test-finding", "value", "PID-8")
    work_off_all(
        database,
        worker_of(server, lambda m: MappingResult("C01", patient_bundle(m), issues=(finding,))),
    )
    (row,) = rows(database)
    assert (row["state"], issue_ids(row)) == ("stored", ["v2-test-finding"])


def test_worker__what_cannot_be_mapped_is_held_with_its_reason(
    server: FhirServer, database: Database
) -> None:
    journal(database, adt("1"))
    reason = error("v2-sender-unknown", "security")
    work_off_all(database, worker_of(server, lambda _: MappingResult(None, None, held=(reason,))))
    (row,) = rows(database)
    assert (row["state"], issue_ids(row)) == ("held", ["v2-sender-unknown"])
    assert (queued(database), patients(database)) == ([], 0)


@pytest.mark.parametrize(
    ("resources", "state", "reason"),
    [
        (({"resourceType": "Patient"},), "stored", "ingest-nothing-new"),
        ((), "ignored", "ingest-not-kept"),
    ],
)
def test_worker__message_that_writes_nothing_is_stored_or_ignored(
    server: FhirServer,
    database: Database,
    resources: tuple[dict[str, str], ...],
    state: str,
    reason: str,
) -> None:
    journal(database, adt("1"))
    result = MappingResult("C01", None, resources=resources)
    work_off_all(database, worker_of(server, lambda _: result))
    (row,) = rows(database)
    assert (row["state"], issue_ids(row)) == (state, [reason])


def test_worker__refused_resources_hold_the_message_and_store_nothing(
    server: FhirServer, database: Database
) -> None:
    journal(database, adt("1"))

    def with_fault(message: Message) -> MappingResult:
        bundle = patient_bundle(message)
        bundle["entry"].append(
            {
                "resource": {"resourceType": "Patient", "gender": "Anne ESSAI"},
                "request": {"method": "POST", "url": "Patient"},
            }
        )
        return MappingResult("C01", bundle)

    work_off_all(database, worker_of(server, with_fault))
    (row,) = rows(database)
    assert row["state"] == "held"
    assert issue_ids(row)
    assert "ESSAI" not in str(row["issues"])
    assert patients(database) == 0


def test_worker__fault_of_the_server_is_tried_again_then_held(
    server: FhirServer, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker_message, "MOST_ATTEMPTS", 3)
    monkeypatch.setattr(worker_message, "pause_after", lambda _: timedelta(hours=1))
    journal(database, adt("1"))

    def broken(_: Message) -> MappingResult:
        raise ZeroDivisionError("ESSAI^ANNE")

    worker = worker_of(server, broken)
    for attempt in (1, 2):
        work_off_all(database, worker)
        (row,) = rows(database)
        assert (row["state"], row["attempts"]) == ("received", attempt)
        make_due(database)
    work_off_all(database, worker)
    (row,) = rows(database)
    assert (row["state"], issue_ids(row)) == ("held", ["ingest-internal-error"])
    assert "ESSAI" not in str(row["issues"])
    assert queued(database) == []


def test_worker__conflict_is_tried_again_later(server: FhirServer, database: Database) -> None:
    journal(database, adt("1"))
    tries: list[int] = []

    def busy(message: Message) -> MappingResult:
        tries.append(1)
        if len(tries) == 1:
            raise refuse(409, "write-conflict", "conflict")
        return stores_patient(message)

    worker = worker_of(server, busy)
    with psycopg.connect(database.url, autocommit=True) as connection:
        work_off_some(connection, worker)
    assert rows(database)[0]["state"] == "received"
    make_due(database)
    work_off_all(database, worker)
    assert (rows(database)[0]["state"], rows(database)[0]["attempts"]) == ("stored", 2)


def test_worker__stale_read_is_mapped_again_at_once(server: FhirServer, database: Database) -> None:
    journal(database, adt("1"), adt("2"))
    tries: list[int] = []

    def stale_once(message: Message) -> MappingResult:
        bundle = patient_bundle(message, active=bool(len(tries) % 2))
        tries.append(1)
        if message.control_id == "2" and len(tries) == 2:
            bundle["entry"][0]["request"]["ifMatch"] = 'W/"7"'
        return MappingResult("C01", bundle)

    work_off_all(database, worker_of(server, stale_once))
    assert [row["state"] for row in rows(database)] == ["stored", "stored"]
    assert len(tries) == 3


def test_worker__message_settled_before_is_only_taken_off_the_queue(
    server: FhirServer, database: Database
) -> None:
    """As after kill -9 between the commit of the resources and that of the queue."""
    journal(database, adt("1"))
    with database.connection() as connection:
        connection.execute("UPDATE ingest_message SET state = 'stored'")
    work_off_all(database, worker_of(server, stores_patient))
    assert (queued(database), patients(database)) == ([], 0)


def test_worker__claims_die_with_the_connection(server: FhirServer, database: Database) -> None:
    journal(database, adt("1"))
    from ingest.worker.queue import claim

    with psycopg.connect(database.url) as dying:
        assert len(claim(dying, 8)) == 1
        assert work_off_all(database, worker_of(server, stores_patient)) == 0
    assert work_off_all(database, worker_of(server, stores_patient)) == 1


def test_order__message_put_off_holds_up_its_patient_and_no_other(
    server: FhirServer, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    # No clock: what is put off comes back when the test says so.
    monkeypatch.setattr(worker_message, "pause_after", lambda _: timedelta(hours=1))
    journal(database, adt("1", patient="A"), adt("2", patient="A"), adt("3", patient="B"))
    seen: list[str | None] = []
    failing = {"1"}

    def first_fails(message: Message) -> MappingResult:
        if message.control_id in failing:
            raise refuse(503, "too-busy", "throttled")
        seen.append(message.control_id)
        return stores_patient(message)

    worker = worker_of(server, first_fails)
    work_off_all(database, worker)
    assert set(seen) == {"3"}
    failing.clear()
    seen.clear()
    make_due(database)
    work_off_all(database, worker)
    assert seen == ["1", "2"]


def test_order__held_message_lets_later_ones_go_on(server: FhirServer, database: Database) -> None:
    journal(database, adt("1"), adt("2"))

    def first_held(message: Message) -> MappingResult:
        if message.control_id == "1":
            return MappingResult("C01", None, held=(error("v2-code-unmapped", "value"),))
        return stores_patient(message)

    work_off_all(database, worker_of(server, first_held))
    assert [row["state"] for row in rows(database)] == ["held", "stored"]


def test_order__long_line_of_one_patient_keeps_no_other_waiting(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue, "WINDOWS", (2, 4))
    ids = journal(database, *(adt(str(n), patient="A") for n in range(5)), adt("9", patient="B"))
    with psycopg.connect(database.url, autocommit=True) as connection, connection.transaction():
        claims = queue.claim(connection, 8)
    assert [claim.id for claim in claims] == [ids[0], ids[5]]


def test_order__many_workers_keep_the_order_of_each_patient(
    server: FhirServer, database: Database
) -> None:
    names = [f"{patient}{number}" for number in range(12) for patient in "ABCDE"]
    journal(database, *(adt(name, patient=name[0]) for name in names))
    seen: list[str] = []

    def slow(message: Message) -> MappingResult:
        seen.append(message.control_id or "")
        time.sleep(0.002)
        return stores_patient(message)

    stop = threading.Event()
    workers = [
        threading.Thread(target=run_worker, args=(database.url, worker_of(server, slow), stop))
        for _ in range(4)
    ]
    for thread in workers:
        thread.start()
    give_up = time.monotonic() + 120
    while queued(database) and time.monotonic() < give_up:
        time.sleep(0.05)
    stop.set()
    for thread in workers:
        thread.join()
    assert sorted(seen) == sorted(names)
    for patient in "ABCDE":
        own = [int(name[1:]) for name in seen if name[0] == patient]
        assert own == sorted(own)
    assert patients(database) == 5


def test_run__goes_on_after_the_database_was_gone(server: FhirServer, database: Database) -> None:
    stop = threading.Event()
    worker = worker_of(server, stores_patient)
    thread = threading.Thread(target=run_worker, args=(database.url, worker, stop))
    thread.start()
    try:
        journal(database, adt("1"))
        wait_until_stored(database, 1)
        with psycopg.connect(database.url, autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE application_name = 'osteon worker' AND datname = current_database()"
            )
        journal(database, adt("2"))
        wait_until_stored(database, 2)
    finally:
        stop.set()
        thread.join()


def wait_until_stored(database: Database, count: int) -> None:
    give_up = time.monotonic() + 120
    while [row["state"] for row in rows(database)] != ["stored"] * count:
        assert time.monotonic() < give_up
        time.sleep(0.02)


def test_work_off_some__claims_take_few_statements(server: FhirServer, database: Database) -> None:
    journal(database, *(adt(str(n), patient=str(n)) for n in range(20)))
    with psycopg.connect(database.url, autocommit=True) as connection:
        assert work_off_some(connection, worker_of(server, stores_patient)) == 16


def test_forget_news__keeps_nothing_that_came_while_there_was_work(database: Database) -> None:
    with (
        psycopg.connect(database.url, autocommit=True) as connection,
        psycopg.connect(database.url, autocommit=True) as journal_writer,
    ):
        connection.execute(f"LISTEN {CHANNEL}")
        for number in range(20):
            journal_writer.execute("SELECT pg_notify(%s, %s)", (CHANNEL, str(number)))
            connection.execute("SELECT")
        forget_news(connection)
        assert list(connection.notifies(timeout=0)) == []
        journal_writer.execute("SELECT pg_notify(%s, '')", (CHANNEL,))
        assert len(list(connection.notifies(timeout=120, stop_after=1))) == 1


def test_pause_after__grows_up_to_a_minute() -> None:
    pauses = [pause_after(attempts) for attempts in range(20)]
    assert pauses == sorted(pauses)
    assert pauses[0] == timedelta(seconds=0.2)
    assert pauses[-1] == timedelta(minutes=1)
