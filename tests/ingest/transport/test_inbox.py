from pathlib import Path

import pytest

from fhir_server.store.database import Database
from ingest.hl7v2.batch import read_batch
from ingest.journal.reception import Reception
from ingest.mapping import default_library
from ingest.transport.inbox import Inbox
from tests.ingest.journal_rows import rows
from tests.ingest.mllp_client import adt

BATCH = b"FHS|^~\\&\rBHS|^~\\&\r" + adt("A") + adt("B") + b"BTS|2\rFTS|1\r"


@pytest.fixture
def inbox(database: Database, tmp_path: Path) -> Inbox:
    return Inbox(tmp_path, database, Reception(default_library().register))


def put(folder: Path, name: str, content: bytes) -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def test_inbox__batch_is_journalled_answered_and_moved(
    inbox: Inbox, database: Database, tmp_path: Path
) -> None:
    path = put(tmp_path, "feed.hl7", BATCH)
    assert (inbox.look(), path.exists()) == (0, True)
    assert (inbox.look(), path.exists()) == (1, False)
    assert [row["control_id"] for row in rows(database)] == ["A", "B"]
    assert (tmp_path / "done" / "feed.hl7").read_bytes() == BATCH
    answer = (tmp_path / "answers" / "feed.hl7.ack").read_bytes()
    assert [b"|AA|" in one or b"MSA|AA" in one for one in read_batch(answer).messages] == [True] * 2
    assert answer.endswith(b"BTS|2\r")


def test_inbox__file_that_still_grows_is_left_alone(
    inbox: Inbox, database: Database, tmp_path: Path
) -> None:
    path = put(tmp_path, "feed.hl7", BATCH[:40])
    inbox.look()
    path.write_bytes(BATCH)
    assert inbox.look() == 0
    put(tmp_path, "more.hl7.part", BATCH)
    assert inbox.look() == 1
    assert inbox.look() == 0
    assert len(rows(database)) == 2


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (BATCH.replace(b"BTS|2", b"BTS|3"), "count"),
        (BATCH.removesuffix(b"BTS|2\rFTS|1\r"), "trailer"),
        (BATCH.replace(b"BTS|2", b"BTS|" + b"9" * 5000), "count"),
        (b"no message", "message"),
        (b"", "message"),
    ],
)
def test_inbox__file_that_is_not_whole_is_taken_not_at_all(
    inbox: Inbox, database: Database, tmp_path: Path, content: bytes, reason: str
) -> None:
    put(tmp_path, "feed.hl7", content)
    inbox.look()
    inbox.look()
    assert rows(database) == []
    assert (tmp_path / "failed" / "feed.hl7").read_bytes() == content
    assert reason in (tmp_path / "failed" / "feed.hl7.txt").read_text()


def test_inbox__file_taken_twice_is_known_by_its_messages(
    inbox: Inbox, database: Database, tmp_path: Path
) -> None:
    for _ in range(2):
        put(tmp_path, "feed.hl7", BATCH)
        inbox.look()
        inbox.look()
    assert len(rows(database)) == 2
    assert len(list((tmp_path / "done").iterdir())) == 2


def test_inbox__file_that_cannot_be_moved_keeps_no_other_waiting(
    inbox: Inbox, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path, "a.hl7", BATCH)
    put(tmp_path, "b.hl7", BATCH.replace(b"|A|", b"|C|"))
    replace = Path.replace

    def refuse(path: Path, target: Path) -> Path:
        if path.name == "a.hl7":
            raise PermissionError
        return replace(path, target)

    monkeypatch.setattr(Path, "replace", refuse)
    assert (inbox.look(), inbox.look(), inbox.look()) == (0, 1, 0)
    assert (tmp_path / "done" / "b.hl7").exists()
    assert len(rows(database)) == 3


def test_inbox__absent_database_leaves_the_file_for_later(tmp_path: Path) -> None:
    gone = Database("postgresql://nobody@127.0.0.1:1/none", pool_size=1)
    gone._connect["connect_timeout"] = 1
    gone.pool.timeout = 0.5
    inbox = Inbox(tmp_path, gone, Reception(default_library().register))
    path = put(tmp_path, "feed.hl7", BATCH)
    assert (inbox.look(), inbox.look(), path.exists()) == (0, 0, True)
    gone.close()
