"""Connections that break under a message, and those that break because the database goes away."""

import threading
from dataclasses import replace

import psycopg

from fhir_server.interactions.server import FhirServer
from fhir_server.store.database import Database, lone_connection
from ingest.hl7v2 import Message
from ingest.mapping import MappingResult
from ingest.worker.database_gone import is_connection_broken
from ingest.worker.in_hand import MOST_BREAKS, InHand
from ingest.worker.queue import Connection, claim
from ingest.worker.run import run_worker
from tests.ingest.journal_rows import issue_ids, queued, rows
from tests.ingest.mllp_client import adt
from tests.ingest.worker.conftest import journal, patient_bundle, worker_of

BREAKING = "2"


class UntilAllIsSettled:
    """Ends the worker once nothing waits; until then no pause is waited for."""

    def __init__(self) -> None:
        self.stop = threading.Event()

    def look(self, connection: Connection) -> None:
        connection.execute("UPDATE ingest_queue SET due = now()")
        if connection.execute("SELECT FROM ingest_queue").fetchone() is None:
            self.stop.set()


def work(server: FhirServer, database: Database) -> None:
    worker = worker_of(server, lambda m: MappingResult("C01", patient_bundle(m)))
    care = UntilAllIsSettled()
    run_worker(database.url, worker, care.stop, care)


def when_stored(database: Database, statements: str) -> None:
    """Let statements run as part of the transaction that stores the message BREAKING."""
    with database.connection() as connection:
        connection.execute("CREATE SEQUENCE tries")
        connection.execute(
            f"""CREATE FUNCTION break() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {statements}
            RETURN NEW; END $$""".encode()
        )
        connection.execute(
            f"""CREATE TRIGGER break BEFORE UPDATE ON ingest_message FOR EACH ROW
            WHEN (NEW.control_id = '{BREAKING}' AND NEW.state = 'stored') EXECUTE FUNCTION break()""".encode()
        )


def tries(database: Database) -> int:
    with database.connection() as connection:
        row = connection.execute("SELECT last_value FROM tries").fetchone()
    return row[0] if row else 0


def test_broken_connection__message_that_breaks_it_each_time_is_held(
    server: FhirServer, database: Database
) -> None:
    when_stored(database, "PERFORM nextval('tries'), pg_terminate_backend(pg_backend_pid(), 1000);")
    journal(database, *(adt(n, patient=f"P{n}") for n in ("1", BREAKING, "3")))
    work(server, database)
    found = {row["control_id"]: row for row in rows(database)}
    assert {n: row["state"] for n, row in found.items()} == {
        "1": "stored", BREAKING: "held", "3": "stored",
    }  # fmt: skip
    assert issue_ids(found[BREAKING]) == ["ingest-connection-broken"]
    assert (tries(database), queued(database)) == (MOST_BREAKS, [])


def test_broken_connection__database_that_goes_away_is_not_blamed_on_a_message(
    server: FhirServer, database: Database
) -> None:
    """As a server that ends: every connection of the worker is told so, more often than a message may."""
    when_stored(
        database,
        f"""IF nextval('tries') <= {MOST_BREAKS + 1} THEN
            PERFORM pg_terminate_backend(pid, 5000) FROM pg_stat_activity
            WHERE datname = current_database() AND application_name = 'osteon worker';
            PERFORM pg_terminate_backend(pg_backend_pid());
        END IF;""",
    )
    journal(database, adt("1", patient="P1"), adt(BREAKING, patient="P2"))
    work(server, database)
    assert [row["state"] for row in rows(database)] == ["stored", "stored"]
    assert tries(database) == MOST_BREAKS + 2


def test_broken_connection__message_waits_longer_after_each(
    server: FhirServer, database: Database
) -> None:
    journal(database, adt("1"))
    worker = worker_of(server, lambda m: MappingResult("C01", patient_bundle(m)))
    with psycopg.connect(database.url, autocommit=True) as connection:
        for pause_s in (4, 16):
            worker.begin(claim(connection, 1))
            # `now()` is the same within a transaction.
            with connection.transaction():
                worker.in_hand.broke(connection)
                row = connection.execute(
                    "SELECT extract(epoch FROM due - now())::int FROM ingest_queue"
                ).fetchone()
            assert row == (pause_s,)
            connection.execute("UPDATE ingest_queue SET due = now()")


def test_is_connection_broken__only_where_the_database_is_there(database: Database) -> None:
    """A crash says nothing; a shutdown says so on every connection; a full disk breaks none."""
    with lone_connection(database.url, "test") as other:
        assert is_connection_broken(psycopg.OperationalError(), other)
        assert is_connection_broken(psycopg.errors.AdminShutdown(), other)
        assert not is_connection_broken(psycopg.errors.DiskFull(), other)
        assert not is_connection_broken(psycopg.errors.SyntaxError(), other)
    assert not is_connection_broken(psycopg.errors.AdminShutdown(), other)
    assert not is_connection_broken(psycopg.errors.CrashShutdown(), other)


class Counting:
    """A limit that tells whether its time counts."""

    def __init__(self) -> None:
        self.counts = False

    def begin(self) -> None:
        self.counts = True

    def end(self) -> None:
        self.counts = False


class StopAtThePause(threading.Event):
    """Ends the worker when it waits for the database, and notes whether the time counted then."""

    def __init__(self, limit: Counting) -> None:
        super().__init__()
        self._limit = limit
        self.counted: list[bool] = []

    def wait(self, timeout: float | None = None) -> bool:
        assert timeout is not None, "a pause has an end"
        self.counted.append(self._limit.counts)
        self.set()
        return True


def test_lost_database__no_time_of_the_message_counts_while_the_worker_waits(
    server: FhirServer, database: Database
) -> None:
    limit = Counting()
    seen: list[bool] = []

    def lose(_message: Message) -> MappingResult:
        seen.append(limit.counts)
        raise psycopg.OperationalError

    journal(database, adt("1"))
    stop = StopAtThePause(limit)
    worker = replace(worker_of(server, lose), in_hand=InHand(limit))
    run_worker(database.url, worker, stop)
    assert (seen, stop.counted) == ([True], [False])
