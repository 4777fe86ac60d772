import json
from pathlib import Path
from typing import Any

import pytest

from fhir_server.cli.main import run
from fhir_server.interactions.server import FhirServer
from fhir_server.model.issues import error
from fhir_server.store.database import Database
from ingest.hl7v2 import Message
from ingest.mapping import MappingResult
from tests.ingest.journal_rows import queued, rows
from tests.ingest.mllp_client import adt
from tests.ingest.worker.conftest import journal, patient_bundle, work_off_all, worker_of


@pytest.fixture
def filled(server: FhirServer, database: Database, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """A stored message and a held one; commands use this database."""
    monkeypatch.setenv("OSTEON_DATABASE_URL", database.url)
    unmapped = error(
        "v2-code-unmapped", "code-invalid", table="0487", local_code="BIOP-LOC", centre="C02"
    )

    def mapping(message: Message) -> MappingResult:
        if message.control_id == "2":
            return MappingResult("C02", None, held=(unmapped,))
        return MappingResult("C01", patient_bundle(message))

    ids = journal(database, adt("1"), adt("2"))
    work_off_all(database, worker_of(server, mapping))
    return ids


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert run(["hl7v2", *arguments]) == 0
    return capsys.readouterr().out


def printed_json(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(printed(capsys, *arguments, "--format", "json"))
    return found


def test_list__shows_state_centre_and_reason_newest_first(
    filled: list[int], capsys: pytest.CaptureFixture[str]
) -> None:
    lines = printed(capsys, "journal", "list").splitlines()
    assert lines[0].startswith(f"{filled[1]}  ")
    assert "  held  C02  ADT^A01  2  v2-code-unmapped" in lines[0]
    assert "  stored  C01  ADT^A01  1  Patient/" in lines[1]
    told = printed_json(capsys, "journal", "list", "--state", "held")["messages"]
    assert [one["id"] for one in told] == filled[1:]


def test_show__tells_no_content_unless_asked(
    filled: list[int], capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    assert run(["hl7v2", "journal", "show", str(filled[1])]) == 0
    told = capsysbinary.readouterr().out
    assert b"v2-code-unmapped" in told
    assert b"ESSAI" not in told
    assert run(["hl7v2", "journal", "show", str(filled[1]), "--raw"]) == 0
    assert capsysbinary.readouterr().out == adt("2")


def test_show__unknown_message_ends_with_1(filled: list[int]) -> None:
    assert run(["hl7v2", "journal", "show", "999999"]) == 1


def test_replay__is_a_dry_run_unless_told_to_run(
    filled: list[int], database: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    out = printed(capsys, "journal", "replay", "--reason", "v2-code-unmapped")
    assert out.splitlines() == [
        "C02  held  1",
        "Messages that would be replayed: 1; --run does it.",
    ]
    assert queued(database) == []
    printed(capsys, "journal", "replay", "--reason", "v2-code-unmapped", "--run")
    assert queued(database) == filled[1:]


@pytest.mark.parametrize("option", [("--state", "lost"), ("--since", "yesterday")])
def test_replay__bad_option_ends_with_2(filled: list[int], option: tuple[str, str]) -> None:
    assert run(["hl7v2", "journal", "replay", *option]) == 2


def test_revise__journals_a_corrected_copy(
    filled: list[int], database: Database, tmp_path: Path
) -> None:
    file = tmp_path / "corrected.hl7"
    file.write_bytes(adt("2", name="CORRIGE"))
    assert run(["hl7v2", "journal", "revise", str(filled[1]), str(file)]) == 0
    assert [row["revises"] for row in rows(database)] == [None, None, filled[1]]
    assert run(["hl7v2", "journal", "revise", str(filled[1]), str(file)]) == 1


@pytest.mark.parametrize("command", [["show"], ["revise"]])
def test_refusal__speaks_french(
    filled: list[int], tmp_path: Path, capsys: pytest.CaptureFixture[str], command: list[str]
) -> None:
    file = tmp_path / "corrected.hl7"
    file.write_bytes(adt("2", name="CORRIGE"))
    given = [str(file)] if command == ["revise"] else []
    assert run(["hl7v2", "journal", *command, "999", *given, "--lang", "fr"]) == 1
    assert "Le journal n’a pas" in capsys.readouterr().err


def test_stats__tell_silence_by_the_exit_code(
    filled: list[int],
    database: Database,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told = {one["centre"]: one for one in printed_json(capsys, "journal", "stats")["centres"]}
    assert (told["C01"]["states"]["stored"], told["C02"]["states"]["held"]) == (1, 1)
    assert told["C01"]["received"]["last24Hours"] == 1
    assert "never sent" in printed(capsys, "journal", "stats")
    monkeypatch.setenv("OSTEON_SILENCE_ALERT_S", "60")
    with database.connection() as connection:
        connection.execute("UPDATE ingest_message SET received = received - interval '2 hours'")
    assert run(["hl7v2", "journal", "stats"]) == 1
    assert "SILENT" in capsys.readouterr().out


def test_journal__speaks_french(filled: list[int], capsys: pytest.CaptureFixture[str]) -> None:
    lines = printed(capsys, "journal", "list", "--lang", "fr").splitlines()
    assert "  retenu  C02  " in lines[0]
    told = printed(capsys, "journal", "replay", "--reason", "v2-code-unmapped", "--lang", "fr")
    assert told.splitlines() == [
        "C02  retenu  1",
        "Messages qui seraient rejoués : 1 ; --run les rejoue.",
    ]
    assert "aucun message à ce jour" in printed(capsys, "journal", "stats", "--lang", "fr")


def test_worklist__code_is_mapped_by_a_command_and_its_messages_released(
    filled: list[int], database: Database, own_maps: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (item,) = printed_json(capsys, "worklist", "list")["items"]
    assert (item["messages"], item["resolved"]) == (1, False)
    target = (
        "--system",
        "https://osteon.example/fhir/CodeSystem/specimen-type",
        "--code",
        "tissue",
    )
    printed(capsys, "worklist", "map", item["id"], *target)
    assert (own_maps / "centres" / "C02" / "codes.csv").read_text().splitlines()[1] == (
        "specimen-type,BIOP-LOC,https://osteon.example/fhir/CodeSystem/specimen-type,tissue,,"
    )
    assert queued(database) == filled[1:]
    assert run(["hl7v2", "worklist", "release", item["id"]]) == 1


def test_worklist__release_has_messages_worked_off_again(
    filled: list[int], database: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    (item,) = printed_json(capsys, "worklist", "list")["items"]
    printed(capsys, "worklist", "release", item["id"])
    assert queued(database) == filled[1:]


def test_load__files_and_folders_are_journalled_once(
    filled: list[int], database: Database, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "one.hl7").write_bytes(adt("10"))
    folder = tmp_path / "feed"
    folder.mkdir()
    (folder / "batch.hl7").write_bytes(b"BHS|^~\\&\r" + adt("11") + adt("12") + b"BTS|2\r")
    arguments = ("load", str(tmp_path / "one.hl7"), str(folder))
    assert printed(capsys, *arguments) == "3 messages: 3 taken\n"
    assert printed(capsys, *arguments) == "3 messages: 3 known already\n"
    assert [row["control_id"] for row in rows(database)][2:] == ["10", "11", "12"]
    assert len(queued(database)) == 3


def test_load__what_cannot_be_read_is_named_and_ends_with_1(
    filled: list[int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.hl7").write_bytes(adt("10", more="||||||KOI8"))
    (tmp_path / "b.txt").write_text("no message")
    assert run(["hl7v2", "load", str(tmp_path)]) == 1
    told = capsys.readouterr()
    assert "MSH-18" in told.err
    assert "b.txt: " in told.err
    assert told.out == "1 messages: 1 files not taken, 1 rejected\n"
