from datetime import UTC, datetime

import pytest

from ingest.hl7v2 import Hl7Fault, Message, Outcome, acknowledge, read_header
from ingest.hl7v2.faults import CONDITION_TEXTS

NOW = datetime(2026, 1, 5, 12, 30, tzinfo=UTC)


def header(
    accept: str = "", application: str = "", *, version: str = "2.5.1", control: str = "a\\T\\7"
) -> str:
    return (
        f"MSH|^~\\&|LAB^1.2^ISO|CHU|OSTEON|NET|20260105||ORU^R01^ORU_R01|{control}|T|{version}|||"
        f"{accept}|{application}|FRA|UNICODE UTF-8"
    )


def answer(raw: str, outcome: Outcome, *faults: Hl7Fault) -> bytes | None:
    return acknowledge(read_header(raw.encode()), outcome, faults, control_id="K1", now=NOW)


def test_acknowledge__original_mode_as_a_whole() -> None:
    assert answer(header(), Outcome.ACCEPT) == (
        b"MSH|^~\\&|OSTEON|NET|LAB^1.2^ISO|CHU|20260105123000+0000||ACK^R01^ACK|K1|T|2.5.1||||||"
        b"UNICODE UTF-8\r"
        b"MSA|AA|a\\T\\7\r"
    )


@pytest.mark.parametrize(
    ("accept", "application", "outcome", "code"),
    [
        ("", "", Outcome.ACCEPT, "AA"),
        ("", "", Outcome.ERROR, "AE"),
        ("", "", Outcome.REJECT, "AR"),
        ("AL", "", Outcome.ACCEPT, "CA"),
        ("AL", "NE", Outcome.ERROR, "CE"),
        ("AL", "AL", Outcome.REJECT, "CR"),
        ("ER", "NE", Outcome.ACCEPT, None),
        ("ER", "NE", Outcome.ERROR, "CE"),
        ("SU", "NE", Outcome.ACCEPT, "CA"),
        ("SU", "NE", Outcome.REJECT, None),
        ("NE", "AL", Outcome.ACCEPT, "AA"),
        ("", "AL", Outcome.ERROR, "AE"),
        ("NE", "ER", Outcome.ACCEPT, None),
        ("NE", "ER", Outcome.REJECT, "AR"),
        ("NE", "SU", Outcome.ACCEPT, "AA"),
        ("NE", "NE", Outcome.ERROR, None),
        ("NE", "", Outcome.ACCEPT, None),
    ],
)
def test_acknowledge__code_follows_msh_15_and_16(
    accept: str, application: str, outcome: Outcome, code: str | None
) -> None:
    given = answer(header(accept, application), outcome)
    assert (given and Message.parse(given).get("MSA-1")) == code


def test_acknowledge__ends_with_cr_and_is_a_message_itself() -> None:
    given = answer(header(), Outcome.ERROR, Hl7Fault("hl7v2-undecodable", 102, "PID", 1, 5, 2, 1))
    assert given is not None
    assert given.endswith(b"\r")
    assert not given.endswith(b"\r\r")
    assert Message.parse(given).faults() == []


def test_acknowledge__err_names_place_and_code() -> None:
    fault = Hl7Fault("hl7v2-undecodable", 102, "OBX", 3, 5, 2, 1)
    given = answer(header(), Outcome.ERROR, fault)
    parsed = Message.parse(given or b"")
    (err,) = parsed.all("ERR")
    assert bytes(err.field(2)[0].raw) == b"OBX^3^5^2^1"
    assert parsed.get("ERR-3") == "102"
    assert parsed.get("ERR-3.3") == "HL70357"
    assert parsed.get("ERR-4") == "E"
    assert parsed.get("ERR-5") == "hl7v2-undecodable"
    assert parsed.get("ERR-8") == fault.issue().text()
    assert parsed.get("ERR-1") is None


def test_acknowledge__older_versions_get_the_place_in_err_1_as_well() -> None:
    given = answer(
        header(version="2.3.1"), Outcome.ERROR, Hl7Fault("hl7v2-required-field", 101, "MSH", 1, 9)
    )
    assert b"ERR|MSH^1^9^101&Required field missing&HL70357|MSH^1^9|" in (given or b"")


def test_acknowledge__keeps_the_delimiters_of_the_sender() -> None:
    given = answer("MSH#@*!%#A#B#C#D###ADT@A01#9", Outcome.ACCEPT)
    assert (given or b"").startswith(
        b"MSH#@*!%#C#D#A#B#20260105123000+0000##ACK@A01@ACK#K1#P#2.5.1\rMSA#AA#9"
    )


@pytest.mark.parametrize("raw", ["", "GET / HTTP/1.1\r\n", "MSH", "PID|1"])
def test_acknowledge__answers_what_is_no_message(raw: str) -> None:
    given = answer(raw, Outcome.REJECT, Hl7Fault("hl7v2-no-header", 100))
    parsed = Message.parse(given or b"")
    assert parsed.get("MSA-1") == "AR"
    assert parsed.get("ERR-5") == "hl7v2-no-header"
    assert parsed.faults() == []


def test_read_header__names_the_message_however_broken_the_rest_is() -> None:
    raw = header().encode() + b"\r\xff\x00 broken \x1c"
    assert read_header(b"\x0b" + raw).raw(10) == b"a\\T\\7"


def test_condition_texts__are_table_0357() -> None:
    assert all(100 <= code <= 207 for code in CONDITION_TEXTS)
