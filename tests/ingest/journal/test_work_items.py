from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from fhir_server.interactions.server import FhirServer
from fhir_server.store.database import Database
from ingest.journal.work_items import WorkItem, list_work_items, release, release_resolved
from ingest.mapping.codes import Coding
from ingest.maps import CurrentMaps
from ingest.register.local_codes import add_local_code
from ingest.resolution import resolves
from ingest.worker import caretaker as caretaker_module
from ingest.worker.caretaker import Caretaker
from ingest.worker.message import MessageWorker
from ingest.worker.stored import StoredResources
from tests.ingest.journal_rows import queued, rows
from tests.ingest.worker.conftest import journal, work_off_all

REPORT = Path(__file__).parent.parent / "mapping" / "messages" / "oru_r01_narrative.hl7"
SPECIMEN = Coding("https://osteon.example/fhir/CodeSystem/specimen-type", "tissue")


def with_local_code(control_id: str, code: str = "BIOP-LOC") -> bytes:
    """The report, its first specimen of a type that only the laboratory knows."""
    raw = REPORT.read_bytes().replace(b"\n", b"\r")
    lines = raw.split(b"\r")
    for at, line in enumerate(lines):
        fields = line.split(b"|")
        if fields[0] == b"SPM":
            fields[4] = code.encode() + b"^^99LOCAL"
        if fields[0] == b"MSH":
            fields[9] = control_id.encode()
        lines[at] = b"|".join(fields)
    return b"\r".join(lines)


@pytest.fixture
def maps(own_maps: Path) -> CurrentMaps:
    return CurrentMaps(own_maps)


@pytest.fixture
def worker(server: FhirServer, centres: None, maps: CurrentMaps) -> MessageWorker:
    return MessageWorker(server, maps.register, maps.draft_message, StoredResources(server))


def items(database: Database) -> list[WorkItem]:
    with database.connection() as connection:
        return list_work_items(connection)


def map_code(maps: CurrentMaps, item: WorkItem) -> None:
    add_local_code(
        maps.folder,
        item.parameters["centre"],
        "specimen-type",
        item.parameters["local_code"],
        SPECIMEN,
    )
    maps._looked = 0.0


def test_work_items__one_per_unmapped_code_however_many_it_holds(
    worker: MessageWorker, database: Database
) -> None:
    journal(database, *(with_local_code(f"M{n}") for n in range(3)), with_local_code("N", "AUTRE"))
    work_off_all(database, worker)
    first, second = items(database)
    assert (first.reason, first.messages) == ("v2-code-unmapped", 3)
    assert (first.parameters["local_code"], second.parameters["local_code"]) == (
        "BIOP-LOC",
        "AUTRE",
    )
    assert first.id != second.id
    assert [one.id for one in items(database)] == [first.id, second.id]


def test_work_items__mapping_the_code_releases_all_it_held_and_nothing_else(
    worker: MessageWorker, maps: CurrentMaps, database: Database
) -> None:
    journal(database, *(with_local_code(f"M{n}") for n in range(3)), with_local_code("N", "AUTRE"))
    work_off_all(database, worker)
    first, _ = items(database)
    assert not resolves(maps.library, first)
    map_code(maps, first)
    assert resolves(maps.library, first)
    with database.connection() as connection:
        assert release_resolved(connection, lambda item: resolves(maps.library, item)) == 3
    work_off_all(database, worker)
    assert [row["state"] for row in rows(database)] == ["stored"] * 3 + ["held"]
    assert len(items(database)) == 1


def test_work_items__a_person_releases_any_item(worker: MessageWorker, database: Database) -> None:
    (held,) = journal(database, with_local_code("M"))
    work_off_all(database, worker)
    with database.connection() as connection:
        assert release(connection, items(database)[0]) == 1
    assert queued(database) == [held]


def test_release_resolved__leaves_what_was_held_since_alone(
    worker: MessageWorker, database: Database
) -> None:
    """So that a reason that is wrongly taken for gone does not go round for ever."""
    journal(database, with_local_code("M"))
    work_off_all(database, worker)
    past = datetime.now(UTC) - timedelta(seconds=60)
    with database.connection() as connection:
        assert release_resolved(connection, lambda _: True, before=past) == 0


@pytest.fixture
def caretaker(server: FhirServer, maps: CurrentMaps, monkeypatch: pytest.MonkeyPatch) -> Caretaker:
    monkeypatch.setattr(caretaker_module, "RELEASE_EVERY_S", 0.0)
    return Caretaker(server, maps)


def test_caretaker__changed_maps_release_what_they_resolve(
    worker: MessageWorker, maps: CurrentMaps, database: Database, caretaker: Caretaker
) -> None:
    journal(database, with_local_code("M"))
    work_off_all(database, worker)
    with database.connection() as connection:
        caretaker.look(connection)
        assert queued(database) == []
        map_code(maps, items(database)[0])
        caretaker.look(connection)
    assert len(queued(database)) == 1
    work_off_all(database, worker)
    assert rows(database)[0]["state"] == "stored"


def test_caretaker__keeps_the_journal_as_long_as_the_setting_says(
    server: FhirServer, maps: CurrentMaps, worker: MessageWorker, database: Database
) -> None:
    journal(database, REPORT.read_bytes().replace(b"\n", b"\r"), with_local_code("M"))
    work_off_all(database, worker)
    with database.connection() as connection:
        connection.execute("UPDATE ingest_message SET received = received - interval '40 days'")
        for days, left in ((0, 2), (41, 2), (30, 1)):
            settings = server.settings.model_copy(update={"journal_retention_days": days})
            Caretaker(replace(server, settings=settings), maps).look(connection)
            assert len(rows(database)) == left
    assert rows(database)[0]["state"] == "held"


def test_caretaker__broken_maps_leave_the_former_ones_in_force(
    maps: CurrentMaps, database: Database, caretaker: Caretaker
) -> None:
    before = maps.library
    (maps.folder / "codes" / "unit.yaml").write_text("nonsense: [")
    maps._looked = 0.0
    with database.connection() as connection:
        caretaker.look(connection)
    assert maps.library is before


def test_add_local_code__takes_the_place_of_the_line_before(own_maps: Path) -> None:
    for code in ("BX", "TISS"):
        path = add_local_code(own_maps, "C09", "specimen-type", "LOC", Coding("urn:x", code))
    assert path.read_text().splitlines()[1:] == ["specimen-type,LOC,urn:x,TISS,,"]
