"""A watched folder: files of messages, bare or as batches, into the journal.

A file is taken once it has stopped changing. It moves to `done/` after all its messages are durable, so
that a file which is taken twice, because the process ended in between, is known by its messages.
"""

import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import structlog

from fhir_server.store.database import Database, DatabaseUnavailableError
from ingest.journal.loading import answer_batch, load_messages, read_messages
from ingest.journal.reception import Reception

DONE, FAILED, ANSWERS = "done", "failed", "answers"
PARTIAL_SUFFIXES = frozenset({".part", ".partial", ".tmp", ".filepart"})
"""Endings that senders give to files which they are still writing."""

log = structlog.stdlib.get_logger("osteon.inbox")


def _tell(what: str, path: Path, error: Exception) -> None:
    log.warning(what, file=path.name, kind=type(error).__name__)


class Inbox:
    """The folder. Shape: `look` takes what has not changed since it looked last; call it now and then."""

    def __init__(self, folder: Path, database: Database, reception: Reception) -> None:
        self._folder = folder
        self._database = database
        self._reception = reception
        self._seen: dict[Path, tuple[int, int]] = {}

    def look(self) -> int:
        """Take the files that are whole; how many.

        Shape: a database that is away leaves all of them for later, a file that cannot be read or moved
        only itself.
        """
        taken = 0
        now_seen: dict[Path, tuple[int, int]] = {}
        for path in self._files():
            try:
                found = path.stat()
                now_seen[path] = (found.st_mtime_ns, found.st_size)
                if self._seen.get(path) != now_seen[path]:
                    continue
                self._take(path)
            except (DatabaseUnavailableError, psycopg.OperationalError) as error:
                _tell("the journal cannot be written", path, error)
                break
            except (OSError, psycopg.Error) as error:
                _tell("file cannot be taken", path, error)
                continue
            taken += 1
            del now_seen[path]
        self._seen = now_seen
        return taken

    def _files(self) -> Iterator[Path]:
        self._folder.mkdir(parents=True, exist_ok=True)
        for path in sorted(self._folder.iterdir()):
            partial = path.suffix.lower() in PARTIAL_SUFFIXES or path.name.startswith(".")
            if path.is_file() and not partial:
                yield path

    def _take(self, path: Path) -> None:
        file = read_messages(path.read_bytes())
        if file.faults:
            issues = [fault.issue() for fault in file.faults]
            reason = "".join(f"{issue.text()} {issue.hint()}\n" for issue in issues)
            moved = self._move(path, FAILED)
            moved.with_name(f"{moved.name}.txt").write_text(reason, encoding="utf-8")
            log.warning("file not taken", file=path.name, reasons=[issue.id for issue in issues])
            return
        with self._database.connection() as connection:
            loaded = list(
                load_messages(connection, self._reception, file.messages, f"file {path.name}")
            )
        moved = self._move(path, DONE)
        answers = self._folder / ANSWERS
        answers.mkdir(exist_ok=True)
        answer = answer_batch(one.journalled.ack for one in loaded)
        (answers / f"{moved.name}.ack").write_bytes(answer)
        log.info("file taken", file=path.name, messages=len(loaded))

    def _move(self, path: Path, place: str) -> Path:
        folder = self._folder / place
        folder.mkdir(exist_ok=True)
        target = folder / path.name
        if target.exists():
            target = folder / f"{path.stem}.{time.time_ns()}{path.suffix}"
        return path.replace(target)
