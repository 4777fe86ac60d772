"""HPRIM is not taken, whichever way it comes; the answer says so."""

from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from fhir_server.interactions.server import FhirServer
from fhir_server.store.database import Database
from ingest.hl7v2 import Message
from ingest.http import routes
from ingest.journal.reception import Reception
from ingest.mapping import default_library
from ingest.transport.inbox import Inbox
from tests.ingest.conftest import MllpThread
from tests.ingest.journal_rows import issue_ids, rows

HPRIM = b"H|~^\\&|||LABO-ESSAI||ORU|||CENTRE-ESSAI||P|H2.4^C|20260105\rP|1|||X1||ESSAI~ANNE\rL|1\r"


def test_hprim__over_mllp_is_answered_by_name_and_journalled(
    mllp: MllpThread, database: Database
) -> None:
    with mllp.client() as sender:
        answer = sender.send(HPRIM)
    assert (answer.get("MSA-1"), answer.get("ERR-5")) == ("AE", "hl7v2-hprim")
    assert "HPRIM" in (answer.get("ERR-8") or "")
    (row,) = rows(database)
    assert (row["state"], issue_ids(row), bytes(row["raw"])) == ("rejected", ["hl7v2-hprim"], HPRIM)


def test_hprim__over_http_is_answered_by_name(server: FhirServer) -> None:
    client = TestClient(Starlette(routes=routes(server)))
    answer = client.post("/hl7v2", content=HPRIM, headers={"Content-Type": "application/hl7-v2"})
    ack = Message.parse(answer.content)
    assert (ack.get("MSA-1"), ack.get("ERR-5")) == ("AE", "hl7v2-hprim")


@pytest.mark.parametrize("name", ["labo.hpr", "labo.txt"])
def test_hprim__file_fails_with_the_reason(database: Database, tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(HPRIM)
    inbox = Inbox(tmp_path, database, Reception(default_library().register))
    inbox.look()
    inbox.look()
    assert "HPRIM" in (tmp_path / "failed" / f"{name}.txt").read_text()
    assert rows(database) == []
