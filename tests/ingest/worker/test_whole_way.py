"""From the journal through the real maps into the store, and back by search."""

import base64
import random
import re
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fhir_server.interactions.search_type import search_type
from fhir_server.interactions.server import FhirServer
from fhir_server.model.json_source import parse_json
from fhir_server.store.database import Database
from ingest.mapping import default_library, draft_message
from ingest.worker.message import MessageWorker
from ingest.worker.stored import StoredResources
from tests.ingest.conftest import LIMITS, MllpThread
from tests.ingest.journal_rows import issue_ids, rows
from tests.ingest.mllp_client import adt
from tests.ingest.worker.conftest import journal, work_off_all

MESSAGES = Path(__file__).parent.parent / "mapping" / "messages"


@pytest.fixture
def worker(server: FhirServer, centres: None) -> MessageWorker:
    register = default_library().register
    return MessageWorker(server, register, draft_message, StoredResources(server))


def found(server: FhirServer, resource_type: str, *pairs: tuple[str, str]) -> list[dict[str, Any]]:
    with server.database.connection() as connection:
        answer = search_type(server, connection, resource_type, pairs)
    return [entry["resource"] for entry in parse_json(answer.body or b"{}").get("entry", [])]


@pytest.mark.parametrize("name", [path.stem for path in sorted(MESSAGES.glob("*.hl7"))])
def test_message__is_stored_whole_and_once(
    worker: MessageWorker, server: FhirServer, database: Database, name: str
) -> None:
    raw = (MESSAGES / f"{name}.hl7").read_bytes()
    journal(database, raw)
    work_off_all(database, worker)
    (row,) = rows(database)
    assert row["state"] == "stored", [i for i in row["issues"] if i["severity"] == "error"]
    assert row["resources"]
    before = count_resources(database)
    with database.connection() as connection:
        connection.execute("UPDATE ingest_message SET state = 'received'")
        connection.execute(
            "INSERT INTO ingest_queue (sender, id, order_keys)"
            " SELECT sender, id, order_keys FROM ingest_message"
        )
    work_off_all(database, worker)
    assert rows(database)[0]["state"] == "stored"
    assert count_resources(database) == before
    assert len(found(server, "Patient")) == 1


def count_resources(database: Database) -> Counter[int]:
    with database.connection() as connection:
        return Counter(row[0] for row in connection.execute("SELECT type FROM resource").fetchall())


def test_message__of_an_unknown_centre_is_held(worker: MessageWorker, database: Database) -> None:
    journal(database, adt("1", application="NOBODY"))
    work_off_all(database, worker)
    (row,) = rows(database)
    assert (row["state"], row["centre"], issue_ids(row)) == ("held", None, ["v2-sender-unknown"])


def test_message__of_an_unknown_type_is_held(worker: MessageWorker, database: Database) -> None:
    raw = (MESSAGES / "adt_a01_pam_fr.hl7").read_bytes().replace(b"ADT^A01^ADT_A01", b"XXX^Y01")
    journal(database, raw)
    work_off_all(database, worker)
    (row,) = rows(database)
    assert (row["state"], row["centre"], issue_ids(row)) == ("held", "C01", ["v2-message-unmapped"])


@pytest.mark.parametrize("megabytes", [2, 7])
def test_document__over_a_socket_comes_back_byte_for_byte(
    worker: MessageWorker, server: FhirServer, database: Database, megabytes: int
) -> None:
    content = random.Random(1).randbytes(megabytes * 1_000_000)  # noqa: S311 — the same each time
    text = (MESSAGES / "oru_r01_corrected_document.hl7").read_text()
    sent = re.sub(r"Base64\^[^|]*", f"Base64^{base64.b64encode(content).decode()}", text)
    limits = replace(LIMITS, max_frame_bytes=20_000_000)
    with MllpThread(database.url, limits) as mllp, mllp.client() as client:
        assert client.send(sent.encode()).get("MSA-1") == "AA"
    work_off_all(database, worker)
    (row,) = rows(database)
    assert row["state"] == "stored", issue_ids(row)
    assert bytes(row["raw"]) == sent.encode()
    (report,) = found(server, "DiagnosticReport")
    attachment = report["presentedForm"][0]
    (binary,) = found(server, "Binary", ("_id", attachment["url"].removeprefix("Binary/")))
    assert base64.b64decode(binary["data"]) == content
    assert attachment["size"] == len(content)
    question = ("Binary", (("_id", binary["id"]), ("_elements", "id")))
    (known,) = StoredResources(server).answers([question])[question]
    assert known == {"resourceType": "Binary", "id": binary["id"]}
