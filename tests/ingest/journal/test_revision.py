from dataclasses import dataclass

import pytest

from fhir_server.interactions.server import FhirServer
from fhir_server.model.issues import Refused, error
from fhir_server.store.database import Database
from ingest.hl7v2 import Message
from ingest.journal.append import append_blocking
from ingest.journal.reception import Reception
from ingest.journal.revision import revise
from ingest.mapping import MappingResult, default_library
from tests.ingest.journal_rows import queued, rows
from tests.ingest.mllp_client import adt
from tests.ingest.worker.conftest import journal, patient_bundle, work_off_all, worker_of

RECEPTION = Reception(default_library().register)
HELD = MappingResult(None, None, held=(error("v2-code-unmapped", "code-invalid"),))


def revise_now(database: Database, original: int, raw: bytes) -> int:
    with database.connection() as connection:
        return revise(connection, RECEPTION, original, raw, "revision by test")


def held(server: FhirServer, database: Database, raw: bytes) -> int:
    (found,) = journal(database, raw)
    work_off_all(database, worker_of(server, lambda _: HELD))
    return found


def test_revise__original_stays_and_the_copy_takes_its_place(
    server: FhirServer, database: Database
) -> None:
    original = held(server, database, adt("1"))
    revision = revise_now(database, original, adt("1", name="CORRIGE"))
    assert queued(database) == [revision]
    work_off_all(database, worker_of(server, lambda m: MappingResult("C01", patient_bundle(m))))
    first, second = rows(database)
    assert (bytes(first["raw"]), first["state"]) == (adt("1"), "replayed")
    assert (bytes(second["raw"]), second["state"]) == (adt("1", name="CORRIGE"), "stored")
    assert (second["revises"], second["ack"], second["issues"]) == (original, None, [])


def test_revise__same_bytes_from_the_sender_get_the_first_answer_again(
    server: FhirServer, database: Database
) -> None:
    original = held(server, database, adt("1"))
    revise_now(database, original, adt("1", name="CORRIGE"))
    assert journal(database, adt("1")) == [original]
    assert rows(database)[0]["state"] == "replayed"


def refusal(database: Database, original: int, raw: bytes) -> tuple[int, str]:
    with pytest.raises(Refused) as refused:
        revise_now(database, original, raw)
    return refused.value.status, refused.value.issues[0].id


def test_revise__refusals_name_the_reason(server: FhirServer, database: Database) -> None:
    original = held(server, database, adt("1"))
    (waiting,) = journal(database, adt("2"))
    assert refusal(database, 999_999, adt("3")) == (404, "ingest-message-unknown")
    assert refusal(database, waiting, adt("3")) == (409, "ingest-message-waits")
    assert refusal(database, original, adt("1")) == (409, "ingest-revision-same")
    assert refusal(database, original, b"no message") == (422, "hl7v2-no-header")
    revise_now(database, original, adt("1", name="CORRIGE"))
    assert refusal(database, original, adt("1", name="AUTRE")) == (409, "ingest-revision-newer")
    assert len(rows(database)) == 3


class TwoCentres:
    """A register of two centres; the first sends from two applications."""

    @dataclass(frozen=True)
    class Centre:
        id: str

        def read(self, raw: bytes) -> Message:
            return Message.parse(raw, default_charset="8859/15")

    def of_sender(self, application: str | None, facility: str | None) -> Centre | None:
        centres = {"LAB": "C01", "LAB2": "C01", "OTHER": "C02"}
        known = application in centres and facility == "CHU"
        return self.Centre(centres[str(application)]) if known else None


@pytest.mark.parametrize(
    ("first", "copy", "is_taken"),
    [
        ("LAB", "LAB2", True),
        ("LAB", "OTHER", False),
        ("LAB", "NOBODY", False),
        ("NOBODY", "LAB", True),
        ("NOBODY", "NOBODY", True),
    ],
)
def test_revise__is_of_the_sender_of_the_original(
    database: Database, first: str, copy: str, *, is_taken: bool
) -> None:
    reception = Reception(TwoCentres())
    record = reception.receive(adt("1", application=first), "test")
    with database.connection() as connection:
        (original,) = append_blocking(connection, [record])
        connection.execute("UPDATE ingest_message SET state = 'held'")
        connection.execute("DELETE FROM ingest_queue")
        corrected = adt("1", application=copy, name="CORRIGE")
        if is_taken:
            assert revise(connection, reception, original.id, corrected, "revision by test")
            return
        with pytest.raises(Refused) as refused:
            revise(connection, reception, original.id, corrected, "revision by test")
    assert (refused.value.status, refused.value.issues[0].id) == (422, "ingest-revision-sender")
    assert [row["state"] for row in rows(database)] == ["held"]
