"""Messages that are sent again after something went wrong: none of them is lost, none is stored twice."""

from fhir_server.store.database import Database
from ingest.journal.reception import Reception
from ingest.journal.revision import revise
from tests.ingest.conftest import MllpThread, OneCentre
from tests.ingest.journal_rows import issue_ids, queued, rows
from tests.ingest.mllp_client import adt


def test_cut_off__before_its_last_byte_is_taken_when_it_comes_whole(
    mllp: MllpThread, database: Database
) -> None:
    with mllp.client() as client:
        client.break_off(b"\x0b" + adt("C1"))
        assert client.is_closed()
    assert [row["state"] for row in rows(database)] == ["rejected"]
    with mllp.client() as client:
        first = client.send(adt("C1"))
        again = client.send(adt("C1"))
    (row,) = rows(database)
    assert (first.get("MSA-1"), first.get("MSA-2")) == ("AA", "C1")
    assert again.raw == first.raw
    assert (row["state"], issue_ids(row)) == ("received", [])
    assert queued(database) == [row["id"]]


def test_cut_off__is_no_other_message_under_the_same_control_id(
    mllp: MllpThread, database: Database
) -> None:
    with mllp.client() as client:
        client.break_off(b"\x0b" + adt("C1")[:60])
        assert client.is_closed()
    with mllp.client() as client:
        assert client.send(adt("C1")).get("MSA-1") == "AA"
    assert [issue_ids(row) for row in rows(database)] == [["mllp-truncated"], []]


def test_unframed__is_taken_when_it_comes_in_a_frame(mllp: MllpThread, database: Database) -> None:
    with mllp.client() as client:
        client.send_bytes(adt("C1"))
        assert client.send(adt("C1")).get("MSA-1") == "AA"
    states = [row["state"] for row in rows(database)]
    assert states.count("received") == len(queued(database)) == 1


def test_rejected__is_judged_anew_by_the_register_as_it_is_now(database: Database) -> None:
    foreign = adt("C1", name="NOËL", application="OTHER")
    with MllpThread(database.url) as server, server.client() as client:
        assert client.send(foreign).get("MSA-1") == "AE"
        refused = client.send(foreign)
        assert refused.get("MSA-1") == "AE"
        server.register.applications.add("OTHER")
        assert client.send(foreign).get("MSA-1") == "AA"
    (row,) = rows(database)
    assert (row["state"], row["centre"], issue_ids(row)) == ("received", "chu-demo", [])
    assert queued(database) == [row["id"]]


def test_revision__sent_by_its_sender_too_gets_an_answer(
    mllp: MllpThread, database: Database
) -> None:
    with mllp.client() as client:
        client.send(adt("C1", name="WRONG") + b"broken")
        with database.connection() as connection:
            original = rows(database)[0]["id"]
            revise(connection, Reception(OneCentre()), original, adt("C1"), "a person")
        assert client.send(adt("C1")).get("MSA-1") == "AA"
    assert len(rows(database)) == 2
