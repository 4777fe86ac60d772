import contextlib
import dataclasses
import itertools
import logging
import socket
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from fhir_server.store.database import Database
from tests.ingest.conftest import LIMITS, PATIENCE_S, MllpThread
from tests.ingest.journal_rows import issue_ids, queued, rows
from tests.ingest.mllp_client import adt


def test_send__message_is_journalled_then_acknowledged(
    mllp: MllpThread, database: Database
) -> None:
    with mllp.client() as client:
        answer = client.send(adt("C1"))
    (row,) = rows(database)
    assert (answer.get("MSA-1"), answer.get("MSA-2")) == ("AA", "C1")
    assert answer.get("MSH-5") == "LAB"
    assert bytes(row["raw"]) == adt("C1")
    assert bytes(row["ack"]) == answer.raw + b"\r"
    assert (row["state"], row["centre"], row["type"]) == ("received", "chu-demo", "ADT^A01")
    assert (row["application"], row["facility"], row["control_id"]) == ("LAB", "CHU", "C1")
    assert queued(database) == [row["id"]]


def test_send__unknown_centre_and_type_are_acknowledged_and_wait(
    mllp: MllpThread, database: Database
) -> None:
    with mllp.client() as client:
        answer = client.send(adt("C1", application="OTHER", event="QQQ^Q99"))
    (row,) = rows(database)
    assert answer.get("MSA-1") == "AA"
    assert (row["state"], row["centre"], row["type"]) == ("received", None, "QQQ^Q99")


def test_send__charset_of_the_centre_counts_where_the_message_names_none(
    mllp: MllpThread, database: Database
) -> None:
    with mllp.client() as client:
        assert client.send(adt("C1", name="NOËL")).get("MSA-1") == "AA"
        assert client.send(adt("C2", name="NOËL", application="OTHER")).get("MSA-1") == "AE"


def test_send__several_messages_on_one_connection_keep_their_order(
    mllp: MllpThread, database: Database
) -> None:
    with mllp.client() as client:
        client.send_bytes(b"".join(b"\x0b" + adt(str(n)) + b"\x1c\r" for n in range(20)))
        answers = [client.answer().get("MSA-2") for _ in range(20)]
    assert answers == [str(n) for n in range(20)]
    assert [row["control_id"] for row in rows(database)] == answers


def test_send__same_message_again_gets_the_stored_answer(
    mllp: MllpThread, database: Database
) -> None:
    with mllp.client() as client:
        client.send_bytes(b"\x0b" + adt("C1") + b"\x1c\r")
        first = client.answer_bytes()
    with mllp.client() as client:
        client.send_bytes(b"\x0b" + adt("C1") + b"\x1c\r" + b"\x0b" + adt("C1") + b"\x1c\r")
        assert [client.answer_bytes(), client.answer_bytes()] == [first, first]
    assert len(rows(database)) == 1
    assert len(queued(database)) == 1


def test_send__same_message_at_once_from_many_is_journalled_once(
    mllp: MllpThread, database: Database
) -> None:
    def send(_: int) -> bytes:
        with mllp.client() as client:
            client.send_bytes(b"\x0b" + adt("C1") + b"\x1c\r")
            return client.answer_bytes()

    with ThreadPoolExecutor(16) as executor:
        assert len(set(executor.map(send, range(16)))) == 1
    assert len(rows(database)) == 1


def test_send__control_id_with_other_content_is_processed_with_a_warning(
    mllp: MllpThread, database: Database
) -> None:
    with mllp.client() as client:
        client.send(adt("C1", name="ONE"))
        assert client.send(adt("C1", name="TWO")).get("MSA-1") == "AA"
    first, second = rows(database)
    assert (issue_ids(first), issue_ids(second)) == ([], ["ingest-control-id-reused"])
    assert queued(database) == [first["id"], second["id"]]


@pytest.mark.parametrize(
    ("frame", "issue", "place"),
    [
        (b"hello", "hl7v2-no-header", None),
        (b"PID|1||A", "hl7v2-no-header", None),
        (b"MSH|^~\\&|LAB|CHU|||||ADT^A01||P|2.5", "hl7v2-required-field", "MSH^1^10"),
        (adt("C1") + b"\xff\xfe", "hl7v2-segment-name", None),
        (
            adt("C1", more="||||||UNICODE UTF-8") + b"NTE|1||\xe9",
            "hl7v2-undecodable",
            "NTE^1^3^1^1^1",
        ),
        (adt("C1", more="||||||KOI8"), "hl7v2-charset-unknown", "MSH^1^18"),
        (adt("C1") + b"OBR|1\rcontinued line", "hl7v2-segment-name", None),
    ],
)
def test_send__unreadable_message_gets_ae_with_err_and_is_journalled(
    mllp: MllpThread, database: Database, frame: bytes, issue: str, place: str | None
) -> None:
    with mllp.client() as client:
        answer = client.send(frame)
        assert client.send(adt("next")).get("MSA-1") == "AA"
    assert answer.get("MSA-1") == "AE"
    (err,) = answer.all("ERR")[:1]
    assert err.field(5)[0].component(1) == issue
    if place is not None:
        assert bytes(err.field(2)[0].raw).decode() == place
    row = rows(database)[0]
    assert (row["state"], bytes(row["raw"]), issue_ids(row)[:1]) == ("rejected", frame, [issue])
    assert len(queued(database)) == 1


def test_send__accept_condition_never_gets_no_answer(mllp: MllpThread, database: Database) -> None:
    with mllp.client() as client:
        client.send_bytes(b"\x0b" + adt("C1", more="|||NE|NE") + b"\x1c\r")
        assert client.send(adt("C2", more="|||AL|NE")).get("MSA-1") == "CA"
    assert [row["ack"] is None for row in rows(database)] == [True, False]


def test_framing__too_large_gets_ae_and_the_connection_closed(
    mllp: MllpThread, database: Database
) -> None:
    frame = adt("C1") + b"NTE|1||" + b"x" * LIMITS.max_frame_bytes
    with mllp.client() as client:
        client.send_bytes(b"\x0b" + frame + b"\x1c\r")
        answer = client.answer()
        client.socket.shutdown(socket.SHUT_WR)
        assert client.is_closed()
    assert (answer.get("MSA-1"), answer.get("MSA-2")) == ("AE", "C1")
    assert answer.get("ERR-3") == "104"
    (row,) = rows(database)
    assert bytes(row["raw"]) == frame[: LIMITS.max_frame_bytes]
    assert issue_ids(row) == ["mllp-too-large"]


def test_framing__cut_off_frame_is_journalled_and_not_answered(
    mllp: MllpThread, database: Database
) -> None:
    with mllp.client() as client:
        client.break_off(b"\x0b" + adt("C1")[:60])
        assert client.is_closed()
    (row,) = rows(database)
    assert (bytes(row["raw"]), row["state"], row["ack"]) == (adt("C1")[:60], "rejected", None)
    assert issue_ids(row) == ["mllp-truncated"]


def test_framing__frame_that_stops_half_way_is_given_up(database: Database) -> None:
    limits = dataclasses.replace(LIMITS, frame_timeout_s=0.1)
    with MllpThread(database.url, limits) as server, server.client() as client:
        client.send_bytes(b"\x0b" + adt("C1")[:60])
        assert client.is_closed()
    assert [issue_ids(row) for row in rows(database)] == [["mllp-truncated"]]


def test_framing__garbage_between_frames_is_journalled_and_skipped(
    mllp: MllpThread, database: Database
) -> None:
    with mllp.client() as client:
        client.send_bytes(b"GET / HTTP/1.1\r\n")
        assert client.send(adt("C1")).get("MSA-2") == "C1"
    garbage, message = rows(database)
    assert (bytes(garbage["raw"]), issue_ids(garbage)) == (b"GET / HTTP/1.1\r\n", ["mllp-garbage"])
    assert message["state"] == "received"


def test_connection__is_told_when_it_opens_faults_and_closes(
    mllp: MllpThread, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "osteon.mllp")
    with mllp.client() as client:
        client.send_bytes(b"noise")
        client.send(adt("C1", name="SECRET"))
    mllp.stop()
    told = [record.getMessage() for record in caplog.records if record.name == "osteon.mllp"]
    assert told[0] == "connection opened"
    assert "framing fault" in told
    assert told[-1] == "connection closed"
    assert "SECRET" not in caplog.text + str([vars(record) for record in caplog.records])


def test_connections__beyond_the_limit_are_closed(database: Database) -> None:
    limits = dataclasses.replace(LIMITS, max_connections=2)
    with MllpThread(database.url, limits) as server:
        with server.client() as one, server.client() as two:
            assert one.send(adt("1")).get("MSA-1") == "AA"
            assert two.send(adt("2")).get("MSA-1") == "AA"
            with server.client() as three:
                assert three.is_closed()
        # The server learns a moment later that two have gone.
        assert send_until_answered(server, adt("3")) == "AA"


def send_until_answered(server: MllpThread, message: bytes) -> str | None:
    """As a sender does: where the connection ends without an answer, it sends again."""
    give_up = time.monotonic() + PATIENCE_S
    while time.monotonic() < give_up:
        with contextlib.suppress(ConnectionError), server.client() as client:
            return client.send(message).get("MSA-1")
        time.sleep(0.02)
    raise AssertionError("never answered")


def test_connections__many_at_once_are_all_answered(mllp: MllpThread, database: Database) -> None:
    def send(sender: int) -> list[str | None]:
        with mllp.client() as client:
            return [client.send(adt(f"{sender}-{n}")).get("MSA-2") for n in range(10)]

    with ThreadPoolExecutor(24) as executor:
        answers = [answer for answers in executor.map(send, range(24)) for answer in answers]
    assert answers == [f"{sender}-{n}" for sender in range(24) for n in range(10)]
    assert len(rows(database)) == 240


def test_database_gone__message_gets_ar_and_the_connection_stays(
    mllp: MllpThread, database: Database
) -> None:
    with mllp.client() as client:
        assert client.send(adt("C1")).get("MSA-1") == "AA"
        with psycopg.connect(database.url, autocommit=True) as connection:
            connection.execute("ALTER TABLE ingest_message RENAME TO away")
            refused = client.send(adt("C2"))
            connection.execute("ALTER TABLE away RENAME TO ingest_message")
        assert (refused.get("MSA-1"), refused.get("MSA-2")) == ("AR", "C2")
        assert refused.get("ERR-3") == "207"
        assert client.send(adt("C2")).get("MSA-1") == "AA"
    assert [row["control_id"] for row in rows(database)] == ["C1", "C2"]


def test_database_gone__lost_connection_is_made_anew(mllp: MllpThread, database: Database) -> None:
    with mllp.client() as client:
        client.send(adt("C1"))
        with psycopg.connect(database.url, autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE application_name = 'osteon journal' AND datname = current_database()"
            )
        codes = [client.send(adt("C2")).get("MSA-1") for _ in range(2)]
    assert codes in (["AR", "AA"], ["AA", "AA"])
    assert len(rows(database)) == 2


def test_deadline__connection_is_closed_rather_than_answered_late(database: Database) -> None:
    limits = dataclasses.replace(LIMITS, ack_deadline_s=0.3)
    with MllpThread(database.url, limits) as server, psycopg.connect(database.url) as connection:
        connection.execute("LOCK TABLE ingest_message")
        with server.client() as client:
            client.send_bytes(b"\x0b" + adt("C1") + b"\x1c\r")
            assert client.is_closed()
        connection.rollback()
        assert send_until_answered(server, adt("C1")) == "AA"
    assert len(rows(database)) == 1


def test_pipelined__frames_sent_together_are_answered_in_their_order(
    mllp: MllpThread, database: Database
) -> None:
    names = [f"C{n}" for n in range(100)]
    with mllp.client() as client:
        client.send_bytes(b"".join(b"\x0b" + adt(name) + b"\x1c\r" for name in names))
        assert [client.answer().get("MSA-2") for _ in names] == names
    assert [row["control_id"] for row in rows(database)] == names


def test_pipelined__duplicate_and_broken_frames_get_their_own_answers(
    mllp: MllpThread, database: Database
) -> None:
    frames = [adt("C1"), adt("C1"), adt("").replace(b"PID|", b"P|D|"), adt("C2")]
    with mllp.client() as client:
        client.send_bytes(b"".join(b"\x0b" + one + b"\x1c\r" for one in frames))
        first, again, broken, last = (client.answer_bytes() for _ in frames)
    assert first == again
    assert b"MSA|AE|" in broken
    assert b"MSA|AA|C2" in last
    assert [row["state"] for row in rows(database)] == ["received", "rejected", "received"]


def test_slow_reader__is_closed_at_the_deadline_and_keeps_nobody_waiting(
    database: Database,
) -> None:
    limits = dataclasses.replace(LIMITS, ack_deadline_s=1)
    with MllpThread(database.url, limits) as server, socket.socket() as deaf:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
        deaf.connect(("127.0.0.1", server.server.port))
        deaf.settimeout(PATIENCE_S)
        # Each has a long answer, which nobody reads.
        frames = (
            b"\x0bMSH|^~\\&|LAB||||||ADT|S%d\rP|D\rP|D\rP|D\r\x1c\r" % n for n in itertools.count()
        )
        with pytest.raises(ConnectionError):
            deque(map(deaf.sendall, frames), maxlen=0)
        assert send_until_answered(server, adt("C1")) == "AA"


def test_stop__ends_idle_connections_without_waiting_for_them(database: Database) -> None:
    with MllpThread(database.url, grace_s=2 * PATIENCE_S) as server, server.client() as client:
        client.send(adt("C1"))
        server.stop()
        assert client.is_closed()
