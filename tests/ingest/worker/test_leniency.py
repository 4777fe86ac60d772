"""What is forgiven in messages, and held where a centre's register entry asks for it."""

from pathlib import Path

import pytest

from fhir_server.interactions.server import FhirServer
from fhir_server.store.database import Database
from ingest.hl7v2 import Message
from ingest.mapping import Library, MapError, draft_message, load_library
from ingest.mapping.draft import Draft
from ingest.worker.message import MessageWorker
from ingest.worker.stored import StoredResources
from tests.ingest.journal_rows import issue_ids, rows
from tests.ingest.worker.conftest import journal, work_off_all

CALCIUM = "OBX|1|NM|17861-6^Calcium^LN||2.4|mmolparlitre^^UCUM||H^Haut^HL70078|||F"


def report(control_id: str, centre: str = "P01") -> bytes:
    """A laboratory result whose interpretation has a display of its own and whose unit is not UCUM's."""
    event = f"ORU^R01^ORU_R01|{control_id}|P|2.5|||||FRA|UNICODE UTF-8"
    lines = (
        f"MSH|^~\\&|SGL-{centre}|CENTRE-{centre}|||20240310||{event}",
        f"PID|1||{control_id}^^^IPP-{centre}^PI||ESSAI^ANNE||19800101|F",
        f"OBR|1||{control_id}^ACP-{centre}|11502-2^Biologie^LN|||20240310|||||||||||||||20240310100000||LAB|F",
        CALCIUM,
    )
    return "\r".join(lines).encode()


def worker_of(server: FhirServer, library: Library) -> MessageWorker:
    def draft(message: Message) -> Draft:
        return draft_message(message, library=library)

    return MessageWorker(server, library.register, draft, StoredResources(server))


def strict_library(own_maps: Path, held_for: str) -> Library:
    folder = own_maps / "centres" / "P02"
    folder.mkdir(parents=True)
    (folder / "quirks.yaml").write_text(f"held-for: {held_for}\n")
    return load_library(own_maps)


@pytest.mark.usefixtures("centres")
@pytest.mark.parametrize(
    ("held_for", "issue"),
    [
        ("[wrong-displays]", "coding-display"),
        ("[wrong-units]", "quantity-unit"),
    ],
)
def test_centre__is_held_for_what_its_register_entry_names(
    server: FhirServer, database: Database, own_maps: Path, held_for: str, issue: str
) -> None:
    worker = worker_of(server, strict_library(own_maps, held_for))
    journal(database, report("1"), report("2", "P02"), report("3"))
    work_off_all(database, worker)
    states = {row["control_id"]: row["state"] for row in rows(database)}
    assert states == {"1": "stored", "2": "held", "3": "stored"}
    (held,) = [row for row in rows(database) if row["state"] == "held"]
    assert issue in issue_ids(held)


def test_held_for__names_what_can_be_forgiven(own_maps: Path) -> None:
    with pytest.raises(MapError, match="wrong-displays, wrong-units"):
        strict_library(own_maps, "[everything]")
