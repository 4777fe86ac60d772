"""What centres do against the standard, each as they send it and as it is read."""

from pathlib import Path

import pytest

from ingest.hl7v2 import Message
from ingest.mapping import load_library

SENDER = r"MSH|^~\&|DPI-C01|CENTRE-C01|OSTEON|RESEAU|20240310101500||"
HEADER = f"{SENDER}ORU^R01^ORU_R01|1|P|2.5|||||FRA|UNICODE UTF-8"


def read(own_maps: Path, quirks: str, raw: bytes) -> Message:
    """A message of C01, read with quirks."""
    folder = own_maps / "centres" / "C01"
    folder.mkdir(parents=True)
    (folder / "quirks.yaml").write_text(quirks)
    return load_library(own_maps).register.centres["C01"].read(raw)


def test_charset__is_the_one_of_the_register_whatever_msh_18_says(own_maps: Path) -> None:
    raw = f"{HEADER}\rPID|1||1||É L È V E¤".encode("iso8859-15", "replace").replace(b"?", b"\xa4")
    message = read(own_maps, "charset: 8859/15", raw)
    assert message.faults() == []
    assert message.get("PID-5") == "É L È V E€"


def test_line_ends__are_lf_though_a_text_holds_cr(own_maps: Path) -> None:
    raw = f"{HEADER}\nOBX|1|TX|1^a^LN||une\rdeux||||||F\nOBX|2|TX|2^b^LN||trois||||||F".encode()
    message = read(own_maps, "line-ends: LF", raw)
    assert [segment.name for segment in message.segments] == ["MSH", "OBX", "OBX"]
    assert message.get("OBX-5") == "une\ndeux"


def test_continued_lines__belong_to_the_field_before(own_maps: Path) -> None:
    raw = f"{HEADER}\rOBX|1|TX|1^a^LN||une\rdeux\rtrois||||||F\rOBX|2|TX|2^b^LN||x||||||F".encode()
    message = read(own_maps, "continued-lines: join", raw)
    assert message.faults() == []
    assert message.get("OBX-5") == "une\ndeux\ntrois"
    assert message.get("OBX-11") == "F"
    assert message.get("OBX[2]-5") == "x"


def test_continued_lines__keep_the_empty_lines_between_paragraphs(own_maps: Path) -> None:
    raw = (
        f"{HEADER}\r\r\nOBX|1|TX|1^a^LN||une\r\rdeux||||||F\r\r\n\nOBX|2|TX|2^b^LN||x\r\r".encode()
    )
    message = read(own_maps, "continued-lines: join", raw)
    assert [segment.name for segment in message.segments] == ["MSH", "OBX", "OBX"]
    assert message.get("OBX-5") == "une\n\ndeux"
    assert message.get("OBX[2]-5") == "x"


def test_header__lacks_are_filled_and_nothing_is_overwritten(own_maps: Path) -> None:
    raw = f"{SENDER}ORU|1".encode()
    message = read(own_maps, "header: {MSH-9.2: R01, MSH-10: none, MSH-11: P, MSH-12: '2.5'}", raw)
    assert (message.type, message.trigger) == ("ORU", "R01")
    assert (message.control_id, message.version) == ("1", "2.5")


@pytest.mark.parametrize(
    ("form", "sent", "read_as"),
    [
        ("DD/MM/YYYY", "12/04/1990", "19900412"),
        ("DD/MM/YYYY hh:mm", "12/04/1990 08:30", "199004120830"),
        ("DD/MM/YYYY hh:mm", "12/04/1990", "19900412"),
        ("YYYY-MM-DD", "1990-04-12", "19900412"),
        ("MM.YYYY", "04.1990", "199004"),
        ("DD/MM/YYYY", "19900412", "19900412"),
        ("DD/MM/YYYY", "vers 1990", "vers 1990"),
    ],
)
def test_dates__of_the_centre_s_form_are_read_and_others_left(
    own_maps: Path, form: str, sent: str, read_as: str
) -> None:
    raw = f"{HEADER}\rPID|1||1||X||{sent}|F".encode()
    assert read(own_maps, f"dates: {{PID-7: {form}}}", raw).get("PID-7") == read_as


def test_authorities__with_the_oid_in_front_are_turned(own_maps: Path) -> None:
    raw = (
        f"{HEADER}\rPID|1||7^^^1.2.250.1.71&IPP-C01&ISO^PI~8^^^IPP-C01&1.2.250.1.71&ISO^PI".encode()
    )
    message = read(own_maps, "reversed-authorities: [PID-3.4]", raw)
    for repetition in (1, 2):
        assert message.get(f"PID-3[{repetition}].4.1") == "IPP-C01"
        assert message.get(f"PID-3[{repetition}].4.2") == "1.2.250.1.71"


def test_authorities__of_two_oids_stay_as_they_were_sent(own_maps: Path) -> None:
    raw = f"{HEADER}\rPID|1||7^^^1.2.250.1&1.2.250.2&ISO^PI".encode()
    message = read(own_maps, "reversed-authorities: [PID-3.4]", raw)
    assert message.get("PID-3.4.1") == "1.2.250.1"


def test_text__with_separators_that_are_not_escaped_is_whole(own_maps: Path) -> None:
    told = r"T2 & N0 ^ M0 ~ R|L \.br\ fin"
    raw = f"{HEADER}\rOBX|1|TX|1^a^LN||{told}||||||F|||20240310".encode()
    message = read(own_maps, "unescaped: {OBX-5: 14}", raw)
    assert message.get("OBX-5") == "T2 & N0 ^ M0 ~ R|L \n fin"
    assert message.get("OBX-11") == "F"
    assert message.get("OBX-14") == "20240310"


def test_text__of_a_coded_value_keeps_its_separators(own_maps: Path) -> None:
    raw = f"{HEADER}\rOBX|1|CWE|1^a^LN||C40.2^Os^ICDO3||||||F".encode()
    assert read(own_maps, "unescaped: {OBX-5: 14}", raw).get("OBX-5.2") == "Os"


def test_repeated__segments_are_read_once_and_others_kept(own_maps: Path) -> None:
    raw = f"{HEADER}\rPID|1||7\rOBX|1\rPID|1||7\rOBX|1\rPID|2||8".encode()
    message = read(own_maps, "repeated: [PID]", raw)
    assert [s.name for s in message.segments] == ["MSH", "PID", "OBX", "OBX", "PID"]


def test_quirks__leave_bytes_alone_that_are_no_message(own_maps: Path) -> None:
    folder = own_maps / "centres" / "C01"
    folder.mkdir(parents=True)
    (folder / "quirks.yaml").write_text("charset: 8859/15\ncontinued-lines: join")
    quirks = load_library(own_maps).register.centres["C01"].quirks
    assert quirks.mend(b"no message") == b"no message"
