"""A request that takes too long ends with 504, and what it ran in the database ends too."""

import asyncio
import threading
from collections.abc import Callable

import psycopg
import pytest

from fhir_server.http.faults import fault_of
from fhir_server.http.threads import QUEUE_PER_THREAD, InteractionThreads
from fhir_server.model.issues import Refused
from fhir_server.store.database import Database
from fhir_server.store.deadline import DeadlineError


def run(threads: InteractionThreads, work: Callable[[], object]) -> Refused:
    with pytest.raises(Refused) as caught:
        asyncio.run(threads.run(work))
    return caught.value


def test_request__that_takes_too_long_is_cancelled_in_the_database(database: Database) -> None:
    threads = InteractionThreads(1, timeout_s=0.3)
    ended = threading.Event()
    failures: list[BaseException] = []

    def work() -> None:
        try:
            with database.connection() as connection:
                connection.execute("SELECT pg_sleep(60)")
        except psycopg.Error as failure:
            failures.append(failure)
        finally:
            ended.set()

    refused = run(threads, work)
    assert (refused.status, refused.issues[0].id) == (504, "request-timeout")
    assert ended.wait(30)
    assert isinstance(failures[0], psycopg.errors.QueryCanceled)
    threads.close()
    # The connection that was cancelled is not used again.
    with database.connection() as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_request__gets_no_connection_once_its_time_is_over(database: Database) -> None:
    threads = InteractionThreads(1, timeout_s=0.1)
    ended = threading.Event()
    may_go_on = threading.Event()
    failures: list[BaseException] = []

    def work() -> None:
        may_go_on.wait(30)
        try:
            with database.connection():
                pass
        except DeadlineError as failure:
            failures.append(failure)
        finally:
            ended.set()

    run(threads, work)
    may_go_on.set()
    assert ended.wait(30)
    assert len(failures) == 1
    threads.close()


def test_statement__that_times_out_is_a_504() -> None:
    status, issue = fault_of(psycopg.errors.QueryCanceled(), "r")
    assert (status, issue.id) == (504, "statement-timeout")


def test_request__that_finds_the_queue_full_is_turned_away_at_once() -> None:
    threads = InteractionThreads(1, timeout_s=30)
    may_end = threading.Event()

    async def crowd() -> tuple[Refused, list[object]]:
        waiting = [
            asyncio.create_task(threads.run(may_end.wait)) for _ in range(1 + QUEUE_PER_THREAD)
        ]
        await asyncio.sleep(0)
        with pytest.raises(Refused) as turned_away:
            await threads.run(may_end.wait)
        may_end.set()
        return turned_away.value, await asyncio.gather(*waiting)

    refused, answers = asyncio.run(crowd())
    assert (refused.status, refused.issues[0].id) == (503, "too-busy")
    assert (all(answers), threads.busy) == (True, 0)
    threads.close()
