import json
from pathlib import Path
from typing import Any

import pytest

from fhir_server.cli.main import run
from fhir_server.model.issues import because
from ingest.hl7v2 import Message
from ingest.register.onboarding import _field
from ingest.register.pam_fr import pam_fr_findings
from ingest.register.second_opinion import hl7apy_findings

MESSAGES = Path(__file__).parent.parent / "mapping" / "messages"
ADT = (MESSAGES / "adt_a01_pam_fr.hl7").read_bytes().replace(b"\r\n", b"\r").replace(b"\n", b"\r")
REPORT = (MESSAGES / "oru_r01_narrative.hl7").read_bytes().replace(b"\n", b"\r")


@pytest.fixture
def samples(tmp_path: Path) -> Path:
    """A good message, one with a local code, one with a missing field, a text file."""
    folder = tmp_path / "samples"
    folder.mkdir()
    (folder / "good.hl7").write_bytes(ADT)
    lines = REPORT.split(b"\r")
    spm = next(at for at, line in enumerate(lines) if line.startswith(b"SPM"))
    fields = lines[spm].split(b"|")
    fields[4] = b"BIOP-LOC^^99LOCAL"
    lines[spm] = b"|".join(fields)
    (folder / "local.hl7").write_bytes(b"\r".join(lines))
    pid = next(line for line in ADT.split(b"\r") if line.startswith(b"PID"))
    without = pid.split(b"|")
    without[8] = b""
    without[10] = b"2106-3"
    (folder / "missing.hl7").write_bytes(ADT.replace(pid, b"|".join(without)))
    (folder / "notes.txt").write_text("no message")
    return folder


def checked(samples: Path, capsys: pytest.CaptureFixture[str], *options: str) -> str:
    assert run(["hl7v2", "check", str(samples), "--no-second-opinion", *options]) == 1
    return capsys.readouterr().out


def test_check__tells_codes_missing_and_unused_fields(
    samples: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told: dict[str, Any] = json.loads(checked(samples, capsys, "--format", "json"))
    assert (told["ready"], told["files"], told["messages"]) == (False, 4, 3)
    assert told["outcomes"]["unreadable"] == 1
    codes = [(one["table"], one["code"], one["holds"]) for one in told["unmappedCodes"]]
    assert ("0487", "BIOP-LOC", True) in codes
    assert [(one["place"], one["element"]) for one in told["missing"]] == [
        ("PID-8", "Patient.gender")
    ]
    findings = {(one["source"], one["place"]) for one in told["findings"]}
    assert ("PAM.fr", "PID-10") in findings
    assert ("reading", "notes.txt") in findings
    assert told["unused"]


def test_check__holds_no_value_of_a_patient(
    samples: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    family = Message.parse(ADT).get("PID-5")
    assert family
    for kind in ("text", "json", "html"):
        assert family not in checked(samples, capsys, "--format", kind)


def test_check__page_speaks_the_language_asked_for(
    samples: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = checked(samples, capsys, "--format", "html", "--language", "fr")
    assert page.startswith('<!doctype html><html lang="fr">')
    assert "<h1>Rapport de raccordement</h1>" in page
    assert "<td>BIOP-LOC</td>" in page


def test_check__messages_that_would_be_stored_end_with_0(
    samples: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["hl7v2", "check", str(samples / "good.hl7"), "--no-second-opinion"]) == 0
    assert "Every message would be stored." in capsys.readouterr().out


def test_second_opinion__tells_places_and_never_values() -> None:
    raw = ADT.replace(b"PV1|1|", b"PV9|1|").replace(b"|P|2.5", b"|Q|2.5")
    found = list(hl7apy_findings(Message.parse(raw)))
    assert found
    assert all("Q" not in reason.text() or "table" in reason.text() for _, reason in found)
    assert "ESSAI" not in str(found)
    large = Message.parse(ADT + b"OBX|1|TX|X||" + b"a" * 100_000)
    assert list(hl7apy_findings(large)) == [("message", because("because-hl7apy-too-large"))]


def test_second_opinion__speaks_french_too(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "one.hl7"
    file.write_bytes(ADT.replace(b"PV1|1|", b"PV9|1|"))
    run(["hl7v2", "check", str(file), "--lang", "fr", "--format", "json"])
    told = json.loads(capsys.readouterr().out)["findings"]
    texts = {one["text"] for one in told if one["source"] == "hl7apy"}
    assert "absent, alors qu’il est obligatoire" in texts
    assert not any(
        "missing" in text or ("table 0" in text and "dans" not in text) for text in texts
    )


@pytest.mark.parametrize(
    ("path", "told"),
    [("OBX[3]-5[1].2", "OBX-5.2"), ("PID[1]-3[2].1", "PID-3"), ("PID[1]-3[1].4.2", "PID-3.4.2")],
)
def test_field__is_told_without_repetitions(path: str, told: str) -> None:
    assert _field(path) == told


def test_pam_fr__codes_that_it_does_not_list_are_told_by_place() -> None:
    header = (
        "MSH|^~\\&|A|B|||20240101||ADT^Z99^ADT_A01|1|P|2.5^FRA^2.11|||||FRA|UNICODE UTF-8|||2.11"
    )
    segments = (
        "PID|1||1||N" + "|" * 27 + "VALI~PERHAPS",
        "ZBE|1|20240101||MOVE||A01|||H",
        'ZFM|8|""|X',
    )
    message = Message.parse("\r".join((header, *segments)).encode())
    places = [
        place for place, reason in pam_fr_findings(message) if reason.id == "because-pam-code"
    ]
    assert places == ["ZBE-4", "ZFM-3", "PID-32"]


@pytest.mark.parametrize("language", ["en", "fr"])
def test_report__in_french_holds_no_english(
    samples: Path, capsys: pytest.CaptureFixture[str], language: str
) -> None:
    run(["hl7v2", "check", str(samples), "--no-second-opinion", "--language", language])
    out = capsys.readouterr().out
    english = ("no line of the maps", "would be", "cannot be read", "not sent", "segment in")
    assert any(words in out for words in english) == (language == "en")
