import base64

import pytest

from ingest.hl7v2 import Hl7SyntaxError, Message
from ingest.hl7v2.document import document

PDF = bytes(range(256)) * 9_000  # 2.3 MB, larger than one step of the decoder


def message(value: str) -> Message:
    return Message.parse(f"MSH|^~\\&|A|B|C|D|||MDM^T02|1\rOBX|1|ED|18842-5||{value}|||F".encode())


def read(value: str) -> bytes:
    (repetition,) = message(value).segments[1].field(5)
    return b"".join(document(repetition))


def test_document__base64_comes_back_byte_for_byte() -> None:
    assert read(f"^AP^PDF^Base64^{base64.b64encode(PDF).decode()}") == PDF


def test_document__line_breaks_inside_are_skipped() -> None:
    lines = base64.encodebytes(PDF).decode()
    assert read("^AP^PDF^Base64^" + lines) == PDF
    assert read("^AP^PDF^Base64^" + lines.replace("\n", "\\.br\\")) == PDF
    assert read("^AP^PDF^base64^" + lines.replace("\n", "\\X0D0A\\")) == PDF


def test_document__hexadecimal_and_plain() -> None:
    assert read("^AP^PDF^Hex^00fF10") == b"\x00\xff\x10"
    assert read("^TEXT^PLAIN^A^one\\.br\\two") == b"one\ntwo"


@pytest.mark.parametrize(
    ("value", "location"),
    [
        ("^AP^PDF^Base64^QUJD!!!!", "OBX-5[1].5"),
        ("^AP^PDF^Base64^QUJ", "OBX-5[1].5"),
        ("^AP^PDF^Base64^QQ==QQ==", "OBX-5[1].5"),
        ("^AP^PDF^Hex^0g", "OBX-5[1].5"),
        ("^AP^PDF^UU^xx", "OBX-5[1].4"),
    ],
)
def test_document__not_encoded_as_declared_is_a_fault_with_its_place(
    value: str, location: str
) -> None:
    with pytest.raises(Hl7SyntaxError) as caught:
        read(value)
    assert caught.value.fault.id == "hl7v2-document-encoding"
    assert caught.value.fault.location == location


def test_leaves__a_large_value_is_a_view_of_the_message() -> None:
    parsed = message(f"^AP^PDF^Base64^{base64.b64encode(PDF).decode()}")
    leaves = {leaf[:4]: leaf[4] for leaf in parsed.segments[1].leaves()}
    assert isinstance(leaves[5, 1, 5, 1], memoryview)
    assert leaves[8, 1, 1, 1] == b"F"
    assert parsed.get("OBX-3") == "18842-5"
