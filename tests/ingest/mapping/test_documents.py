"""Embedded documents: a Binary of their own, pointed at with hash and size, byte for byte."""

import base64
import hashlib
from typing import Any

import pytest

from ingest.hl7v2 import Message
from ingest.mapping import map_message
from tests.ingest.mapping.conftest import only, resources
from tests.ingest.mapping.feed import message, patient
from tests.ingest.mapping.memory_store import MemoryStore

PDF = b"%PDF-1.7\n" + bytes(range(256)) * 8_500
CDA = "<?xml version='1.0' encoding='UTF-8'?><ClinicalDocument>Compte rendu opératoire</ClinicalDocument>"


def embedded(content: bytes, encoding: str = "Base64") -> str:
    return {"Base64": base64.b64encode(content).decode(), "Hex": content.hex()}[encoding]


def report(value: str, *, report_number: str = "L1", time: str = "20240310101500") -> Message:
    return message(
        "ORU^R01^ORU_R01",
        patient(),
        f"OBR|1||{report_number}^LABO-C01|58410-2^CBC^LN" + "|" * 20 + "HM|F",
        f"OBX|1|ED|18842-5^Compte rendu^LN||{value}||||||F",
        time=time,
    )


def attachment(read: Message) -> dict[str, Any]:
    found: dict[str, Any] = only(map_message(read), "DiagnosticReport")["presentedForm"][0]
    return found


@pytest.mark.parametrize("encoding", ["Base64", "Hex"])
@pytest.mark.parametrize("extra", [b"", b"x", b"xy"], ids=["of threes", "and one", "and two"])
def test_document__is_a_binary_byte_for_byte(encoding: str, extra: bytes) -> None:
    content = PDF + extra
    result = map_message(report(f"^application^pdf^{encoding}^{embedded(content, encoding)}"))
    (binary,) = resources(result, "Binary")
    assert base64.b64decode(binary["data"]) == content
    assert binary["contentType"] == "application/pdf"


def test_document__is_pointed_at_with_hash_and_size() -> None:
    result = map_message(report(f"^application^pdf^Base64^{embedded(PDF)}"))
    (binary,) = resources(result, "Binary")
    found = only(result, "DiagnosticReport")["presentedForm"][0]
    assert found == {
        "contentType": "application/pdf",
        "url": f"Binary/{binary['id']}",
        "hash": base64.b64encode(hashlib.sha1(PDF, usedforsecurity=False).digest()).decode(),
        "size": len(PDF),
        "title": "Compte rendu",
    }


def test_document__of_the_french_volet_is_xml() -> None:
    result = map_message(report(f"^TEXT^XML^Base64^{embedded(CDA.encode())}"))
    (binary,) = resources(result, "Binary")
    assert base64.b64decode(binary["data"]).decode() == CDA
    assert binary["contentType"] == "application/xml"


def test_document__again_is_the_same_and_not_written_again() -> None:
    store = MemoryStore()
    value = f"^application^pdf^Base64^{embedded(PDF)}"
    for time in ("20240310101500", "20240310101600"):
        result = map_message(report(value, time=time), stored=store)
        assert not result.held
        written = [e["resource"]["resourceType"] for e in (result.bundle or {})["entry"]]
        store.apply(result.bundle)
    assert "Binary" not in written
    assert len(store.of_type("Binary")) == 1


def test_document__of_another_report_is_another_resource() -> None:
    value = f"^application^pdf^Base64^{embedded(PDF)}"
    first, second = (attachment(report(value, report_number=n)) for n in ("L1", "L2"))
    assert first["hash"] == second["hash"]
    assert first["url"] != second["url"]


def test_document__not_in_the_declared_encoding_is_rejected_and_told() -> None:
    result = map_message(report("^application^pdf^Base64^JVB!"))
    assert not resources(result, "Binary")
    assert "presentedForm" not in only(result, "DiagnosticReport")
    (issue,) = result.issues
    assert issue.parameters["reason"].id == "because-not-in-declared-encoding"


def test_document__of_text_lines_stays_in_place_with_hash_and_size() -> None:
    sheet = message(
        "MDM^T02^MDM_T02",
        patient(),
        f"TXA|1|CR^Compte rendu|TX{'|' * 9}CR-1^DPI-C01",
        "OBX|1|TX|11488-4^Note^LN||Première ligne.||||||F",
        "OBX|2|TX|11488-4^Note^LN||Seconde ligne.||||||F",
    )
    found = only(map_message(sheet), "DocumentReference")["content"][0]["attachment"]
    text = "Première ligne.\nSeconde ligne.".encode()
    assert base64.b64decode(found["data"]) == text
    assert found["size"] == len(text)
    assert (
        found["hash"]
        == base64.b64encode(hashlib.sha1(text, usedforsecurity=False).digest()).decode()
    )
