from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from psycopg import sql

from fhir_server.interactions.server import FhirServer
from fhir_server.model.issues import error
from fhir_server.store.database import Database
from fhir_server.store.resource_types import TYPE_NUMBERS
from fhir_server.store.schema import metadata
from ingest.hl7v2 import Message
from ingest.journal.record import State
from ingest.journal.replay import count_replayable, replay
from ingest.journal.selection import Selection
from ingest.mapping import MappingResult, default_library, draft_message
from ingest.worker.message import MessageWorker
from ingest.worker.stored import StoredResources
from tests.ingest.journal_rows import issue_ids, queued, rows
from tests.ingest.mllp_client import adt
from tests.ingest.store_content import store_content, store_versions
from tests.ingest.worker.conftest import journal, patient_bundle, work_off_all, worker_of

STORE_TABLES = [table.name for table in metadata.sorted_tables if "key" in table.columns]
"""Everything that stands in the store for a resource."""

MESSAGES = Path(__file__).parent.parent / "mapping" / "messages"


def replay_now(database: Database, **wanted: Any) -> int:
    with database.connection() as connection:
        return replay(connection, Selection(**wanted))


def states(database: Database) -> list[State]:
    return [row["state"] for row in rows(database)]


@pytest.fixture
def mixed(server: FhirServer, database: Database) -> list[int]:
    """One message stored, one held, one rejected, one waiting; all of one mapping."""

    def mapping(message: Message) -> MappingResult:
        if message.control_id == "2":
            return MappingResult("C02", None, held=(error("v2-code-unmapped", "code-invalid"),))
        return MappingResult("C01", patient_bundle(message))

    ids = journal(database, adt("1"), adt("2"), b"no message")
    work_off_all(database, worker_of(server, mapping))
    return ids + journal(database, adt("4"))


@pytest.mark.parametrize(
    ("wanted", "replayed"),
    [
        ({}, [0, 1]),
        ({"reason": "v2-code-unmapped"}, [1]),
        ({"centre": "C01"}, [0]),
        ({"states": ["held"]}, [1]),
        ({"states": ["rejected"]}, [2]),
        ({"states": ["received"]}, []),
        ({"since": datetime.now(UTC) - timedelta(hours=1)}, [0, 1]),
        ({"until": datetime.now(UTC) - timedelta(hours=1)}, []),
        ({"type": "ADT^A31"}, []),
    ],
)
def test_replay__takes_what_the_selection_says(
    database: Database, mixed: list[int], wanted: dict[str, Any], replayed: list[int]
) -> None:
    with database.connection() as connection:
        counted = sum(one.messages for one in count_replayable(connection, Selection(**wanted)))
    assert counted == len(replayed)
    before = set(queued(database))
    assert replay_now(database, **wanted) == len(replayed)
    assert set(queued(database)) - before == {mixed[place] for place in replayed}
    for place in replayed:
        assert rows(database)[place]["state"] == "received"
        assert rows(database)[place]["replays"] == 1


def test_replay__one_that_its_worker_still_holds_is_left_alone(
    database: Database, mixed: list[int]
) -> None:
    """The state is settled, the queue row is still there: its worker is about to delete it."""
    with database.connection() as connection:
        connection.execute("UPDATE ingest_message SET state = 'stored' WHERE id = %s", (mixed[3],))
    assert replay_now(database, ids=[mixed[3]]) == 0


def test_replay__what_was_cut_off_is_never_taken_for_a_message(
    database: Database, mixed: list[int]
) -> None:
    with database.connection() as connection:
        connection.execute(
            """UPDATE ingest_message SET issues = '[{"id": "mllp-truncated"}]' WHERE id = %s""",
            (mixed[2],),
        )
    assert replay_now(database, ids=[mixed[2]], states=["rejected"]) == 0


def test_replay__rejected_message_that_is_still_unreadable_is_rejected_again(
    server: FhirServer, database: Database, mixed: list[int]
) -> None:
    replay_now(database, ids=[mixed[2]], states=["rejected"])
    work_off_all(database, worker_of(server, lambda m: MappingResult("C01", patient_bundle(m))))
    row = rows(database)[2]
    assert (row["state"], issue_ids(row)) == ("rejected", ["hl7v2-no-header"])


def test_replay__reasons_of_the_last_time_go_those_of_the_reception_stay(
    server: FhirServer, database: Database
) -> None:
    journal(database, adt("1"), adt("1", name="AUTRE"))
    reason = error("v2-code-unmapped", "code-invalid")
    work_off_all(database, worker_of(server, lambda _: MappingResult(None, None, held=(reason,))))
    replay_now(database)
    assert [issue_ids(row) for row in rows(database)] == [[], ["ingest-control-id-reused"]]
    work_off_all(database, worker_of(server, lambda m: MappingResult("C01", patient_bundle(m))))
    assert states(database) == ["stored", "stored"]


def loaded(server: FhirServer, database: Database) -> MessageWorker:
    """A store made of all the example messages, each also sent twice."""
    worker = MessageWorker(
        server, default_library().register, draft_message, StoredResources(server)
    )
    messages = [path.read_bytes() for path in sorted(MESSAGES.glob("*.hl7"))]
    journal(database, *messages, *messages)
    work_off_all(database, worker)
    assert "stored" in states(database)
    return worker


@pytest.mark.usefixtures("centres")
def test_replay__of_everything_changes_nothing_in_the_store(
    server: FhirServer, database: Database
) -> None:
    worker = loaded(server, database)
    content, versions = store_content(database), store_versions(database)
    settled = states(database)
    assert replay_now(database) == len(settled)
    work_off_all(database, worker)
    assert states(database) == settled
    assert store_content(database) == content
    assert store_versions(database) == versions


@pytest.mark.usefixtures("centres")
def test_replay__of_everything_makes_a_lost_store_again(
    server: FhirServer, database: Database
) -> None:
    worker = loaded(server, database)
    content = store_content(database)
    with database.transaction() as connection:
        keys = connection.execute(
            "SELECT key FROM resource WHERE type <> %s", (TYPE_NUMBERS["Organization"],)
        ).fetchall()
        for table in STORE_TABLES:
            statement = sql.SQL("DELETE FROM {} WHERE key = ANY(%s)").format(sql.Identifier(table))
            connection.execute(statement, ([key for (key,) in keys],))
    replay_now(database)
    work_off_all(database, worker)
    assert store_content(database) == content
