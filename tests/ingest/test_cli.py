import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from fhir_server.cli.main import run
from fhir_server.store.database import Database
from tests.ingest.conftest import MllpThread
from tests.ingest.journal_rows import rows
from tests.ingest.mllp_client import adt


def send(server: MllpThread, *files: Path) -> int:
    address = f"127.0.0.1:{server.server.port}"
    return run(["hl7v2", "send", *map(str, files), "--mllp", address])


def test_send__every_message_of_a_file_is_sent_and_its_answer_printed(
    mllp: MllpThread, database: Database, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "two.hl7"
    file.write_bytes(b"FHS|^~\\&\rBHS|^~\\&\r" + adt("A") + adt("B") + b"BTS|2\rFTS|1\r")
    assert send(mllp, file) == 0
    printed = [line for line in capsys.readouterr().out.splitlines() if line.startswith(str(file))]
    assert printed == [f"{file}#1: AA A", f"{file}#2: AA B"]
    assert [bytes(row["raw"]) for row in rows(database)] == [adt("A").strip(), adt("B").strip()]


def test_send__refused_message_ends_with_1_and_tells_why(
    mllp: MllpThread, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "bad.hl7"
    file.write_bytes(adt("A", more="||||||KOI8"))
    assert send(mllp, file) == 1
    out = capsys.readouterr().out
    assert f"{file}: AE A" in out
    assert "MSH-18" in out


def test_send__file_without_messages_ends_with_1(mllp: MllpThread, tmp_path: Path) -> None:
    file = tmp_path / "text.txt"
    file.write_text("no message")
    (tmp_path / "empty.hl7").touch()
    assert send(mllp, file) == 1
    assert send(mllp, tmp_path / "empty.hl7") == 1


def test_send__message_that_wants_no_answer_is_not_waited_for(
    mllp: MllpThread, tmp_path: Path
) -> None:
    file = tmp_path / "silent.hl7"
    file.write_bytes(adt("A", more="|||NE|NE"))
    assert send(mllp, file) == 0


def test_send__unreachable_server_ends_with_3(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "one.hl7"
    file.write_bytes(adt("A"))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    assert run(["hl7v2", "send", str(file), "--mllp", f"127.0.0.1:{port}"]) == 3
    assert capsys.readouterr().err.startswith(f"osteon: 127.0.0.1:{port}: ")


@pytest.mark.parametrize("arguments", [["missing.hl7"], []])
def test_send__wrong_usage_ends_with_2(arguments: list[str]) -> None:
    assert run(["hl7v2", "send", *arguments]) == 2


def test_send__wrong_address_ends_with_2(tmp_path: Path) -> None:
    file = tmp_path / "one.hl7"
    file.write_bytes(adt("A"))
    assert run(["hl7v2", "send", str(file), "--mllp", "nowhere"]) == 2


ACCEPTED = b"MSH|^~\\&|NET|OSTEON|CHU|LAB|20260105||ACK|9|P|2.5\rMSA|AA|%b\r"


REFUSED = b"MSH|^~\\&|NET|OSTEON|CHU|LAB|20260105||ACK|9|P|2.5\rMSA|AE|A\rERR|||207|E||||refus\xe9"
UTF_8 = b"MSH|^~\\&|NET|OSTEON|CHU|LAB|20260105||ACK|9|P|2.5||||||UNICODE UTF-8\r"


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (b"OK", "no HL7 v2 message"),
        (b"MSH|^~\\&|A|B|C|D|||ACK|9|P|2.5\r", "?"),
        (ACCEPTED % b"EARLIER", "another message"),
        (ACCEPTED % b"", "another message"),
        (REFUSED, "refusé"),
        (UTF_8 + b"MSA|AE|A\rERR|||207|E||||refus\xe9", "no HL7 v2 message"),
    ],
    ids=[
        "no message",
        "no MSA",
        "late answer to another",
        "answer to none",
        "no charset",
        "wrong charset",
    ],
)
def test_send__answer_that_is_not_its_own_is_no_acceptance(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], answer: bytes, told: str
) -> None:
    file = tmp_path / "one.hl7"
    file.write_bytes(adt("A"))
    with socket.create_server(("127.0.0.1", 0)) as listening, ThreadPoolExecutor(1) as executor:

        def answer_once() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.recv(65_536)
                connection.sendall(b"\x0b" + answer + b"\x1c\r")
                connection.recv(65_536)

        answered = executor.submit(answer_once)
        port = listening.getsockname()[1]
        assert run(["hl7v2", "send", str(file), "--mllp", f"127.0.0.1:{port}"]) == 1
        answered.result()
    assert told in capsys.readouterr().out
