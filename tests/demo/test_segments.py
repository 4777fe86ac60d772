"""Segments by template: what hl7apy itself would write."""

import pytest
from hl7apy.consts import VALIDATION_LEVEL
from hl7apy.core import Segment
from hl7apy.parser import parse_segment

from fhir_server.demo.segments import Field, escape, segment


def test_segment__is_what_hl7apy_writes() -> None:
    written = Segment("PID", version="2.5", validation_level=VALIDATION_LEVEL.TOLERANT)
    written.pid_1 = "1"
    written.add_field("pid_3").value = "8001^^^IPP-C01^PI"
    written.add_field("pid_3").value = "9590^^^A&1.2&ISO^INS"
    written.add_field("pid_5").value = "Fictif-Chêne^Élise^^^^^L"
    fields: dict[int, Field] = {
        1: "1",
        3: [("8001", "", "", "IPP-C01", "PI"), ("9590", "", "", ("A", "1.2", "ISO"), "INS")],
        5: ("Fictif-Chêne", "Élise", "", "", "", "", "L"),
    }

    assert segment("PID", "2.5", fields) == written.to_er7()


@pytest.mark.parametrize("text", ["A|B", "A^B", "A&B", "A~B", "A\\B", "|^~\\&", "{0} {1} {}", "É"])
def test_segment__keeps_delimiters_within_a_value(text: str) -> None:
    written = segment("OBX", "2.5.1", {1: "1", 2: "ST", 3: ("1", text, "L"), 5: text})

    read = parse_segment(written, version="2.5.1")

    unescaped = {r"\F" + "\\": "|", r"\S" + "\\": "^", r"\T" + "\\": "&", r"\R" + "\\": "~"}
    value = read.obx_5.to_er7()
    for sequence, sign in unescaped.items():
        value = value.replace(sequence, sign)
    assert value.replace(r"\E" + "\\", "\\") == text


def test_segment__leaves_out_empty_fields_and_components() -> None:
    assert segment("PV1", "2.5", {2: "N", 3: "", 19: ()}) == "PV1||N"


def test_segment__writes_segments_of_one_shape_from_one_template() -> None:
    first = segment("ZBE", "2.5", {1: ("1", "A"), 4: "INSERT"})
    second = segment("ZBE", "2.5", {1: ("2", "B"), 4: "CANCEL"})

    assert (first, second) == ("ZBE|1^A|||INSERT", "ZBE|2^B|||CANCEL")


def test_segment__begins_a_header_with_its_delimiters() -> None:
    assert segment("MSH", "2.5", {3: "DPI"}) == r"MSH|^~\&|DPI"


def test_escape__covers_every_delimiter() -> None:
    assert escape("|^&~\\") == r"\F\\S\\T\\R\\E" + "\\"
