"""Messages stored together: alike to being stored one after the other."""

from datetime import timedelta
from typing import Any

import pytest

from fhir_server.interactions import transaction as transactions
from fhir_server.interactions.server import FhirServer
from fhir_server.model.issues import error
from fhir_server.store.database import Database
from ingest.hl7v2 import Message
from ingest.mapping import MappingResult
from ingest.worker import group, message, run
from tests.ingest.journal_rows import issue_ids, queued, rows
from tests.ingest.mllp_client import adt
from tests.ingest.worker.conftest import (
    journal,
    patient_bundle,
    patients,
    work_off_all,
    worker_of,
)


def stores_patient(received: Message) -> MappingResult:
    return MappingResult(centre="C01", bundle=patient_bundle(received))


def some_patients(database: Database, count: int = 4) -> None:
    journal(database, *(adt(str(n), patient=f"P{n}") for n in range(1, count + 1)))


@pytest.fixture
def stored_bundles(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The number of entries of each transaction."""
    sizes: list[int] = []

    def counted(server: FhirServer, bundle: dict[str, Any], **more: Any) -> Any:
        sizes.append(len(bundle["entry"]))
        return transactions.transaction(server, bundle, **more)

    monkeypatch.setattr(group, "transaction", counted)
    monkeypatch.setattr("ingest.worker.message.transaction", counted)
    return sizes


def test_group__messages_of_different_patients_are_one_transaction(
    server: FhirServer, database: Database, stored_bundles: list[int]
) -> None:
    some_patients(database)
    work_off_all(database, worker_of(server, stores_patient))
    assert stored_bundles == [4]
    assert [row["state"] for row in rows(database)] == ["stored"] * 4
    assert all(len(row["resources"]) == 1 for row in rows(database))
    assert len({row["resources"][0] for row in rows(database)}) == 4
    assert (queued(database), patients(database)) == ([], 4)


def test_group__each_message_gets_its_own_state(server: FhirServer, database: Database) -> None:
    some_patients(database)

    def each(received: Message) -> MappingResult:
        if received.control_id == "2":
            return MappingResult("C01", None, held=(error("v2-code-unmapped", "value"),))
        if received.control_id == "3":
            return MappingResult("C01", None)
        return stores_patient(received)

    work_off_all(database, worker_of(server, each))
    assert [row["state"] for row in rows(database)] == ["stored", "held", "ignored", "stored"]
    assert issue_ids(rows(database)[1]) == ["v2-code-unmapped"]
    assert (queued(database), patients(database)) == ([], 2)


def test_group__what_is_refused_holds_its_own_message_only(
    server: FhirServer, database: Database
) -> None:
    some_patients(database)

    def third_invalid(received: Message) -> MappingResult:
        more = {"gender": "nonsense"} if received.control_id == "3" else {}
        return MappingResult("C01", patient_bundle(received, **more))

    work_off_all(database, worker_of(server, third_invalid))
    assert [row["state"] for row in rows(database)] == ["stored", "stored", "held", "stored"]
    assert patients(database) == 3


def test_group__what_fails_is_put_off_alone(
    server: FhirServer, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(message, "pause_after", lambda _: timedelta(hours=1))
    some_patients(database)

    def second_fails(received: Message) -> MappingResult:
        if received.control_id == "2":
            raise ValueError("a fault of ours")
        return stores_patient(received)

    work_off_all(database, worker_of(server, second_fails))
    states = [(row["state"], row["attempts"]) for row in rows(database)]
    assert states == [("stored", 1), ("received", 1), ("stored", 1), ("stored", 1)]
    assert len(queued(database)) == 1


def test_group__messages_about_one_resource_are_stored_one_after_the_other(
    server: FhirServer, database: Database, stored_bundles: list[int]
) -> None:
    some_patients(database)

    def all_one(received: Message) -> MappingResult:
        bundle = patient_bundle(received)
        (entry,) = bundle["entry"]
        entry["request"]["url"] = "Patient?identifier=https://osteon.example/sid/test|one"
        entry["resource"]["identifier"][0]["value"] = "one"
        entry["resource"]["language"] = "fr" if received.control_id == "4" else "en"
        return MappingResult("C01", bundle)

    work_off_all(database, worker_of(server, all_one))
    assert stored_bundles == [1, 1, 1, 1]
    written = [row["resources"][0].rpartition("/")[2] for row in rows(database)]
    # The second and the third tell nothing new.
    assert written == ["1", "1", "1", "2"]
    assert patients(database) == 1


def test_group__large_messages_are_read_and_stored_alone(
    server: FhirServer,
    database: Database,
    stored_bundles: list[int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(run, "SMALL_BYTES", 2_000)
    large = adt("9", patient="P9") + b"\rNTE|1||" + b"x" * 2_000
    some_patients(database, 3)
    journal(database, large)
    work_off_all(database, worker_of(server, stores_patient))
    assert stored_bundles == [3, 1]
    assert [row["state"] for row in rows(database)] == ["stored"] * 4


def test_group__transaction_is_bound_in_its_entries(
    server: FhirServer,
    database: Database,
    stored_bundles: list[int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(group, "MOST_ENTRIES", 3)
    some_patients(database)
    work_off_all(database, worker_of(server, stores_patient))
    assert stored_bundles == [3, 1]
