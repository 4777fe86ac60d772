"""Messages that take more than their time, with worker processes that end over them.

The time of a test is over where the mapping says so: nothing depends on how fast the machine is.
"""

import multiprocessing
import re
import signal
from collections.abc import Callable
from dataclasses import replace

import pytest

from fhir_server.interactions.server import FhirServer
from fhir_server.store.database import Database
from ingest.hl7v2 import Message
from ingest.mapping import MappingResult
from ingest.worker.in_hand import MOST_DEATHS, InHand
from ingest.worker.time_limit import EXIT_CODE, TimeLimit
from tests.ingest.journal_rows import issue_ids, queued, rows
from tests.ingest.mllp_client import adt
from tests.ingest.worker.conftest import journal, patient_bundle, work_off_all, worker_of

ENDLESS = "2"
LONG_S = 3600.0
SOON_S = 0.01


def backtracks(message: Message) -> MappingResult:
    """For longer than the universe has lasted, inside of a single call of the `re` module."""
    if message.control_id == ENDLESS:
        signal.setitimer(signal.ITIMER_PROF, SOON_S)
        re.fullmatch(r"(x+x+)+y", "x" * 100)
    return MappingResult("C01", patient_bundle(message))


def never_returns(message: Message) -> MappingResult:
    """As code below Python that no handler interrupts."""
    if message.control_id == ENDLESS:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.setitimer(signal.ITIMER_VIRTUAL, SOON_S)
        while True:
            pass
    return MappingResult("C01", patient_bundle(message))


def _work(server: FhirServer, url: str, map_message: Callable[[Message], MappingResult]) -> None:
    limit = TimeLimit(LONG_S)
    in_hand = InHand(limit)
    limit.on_overdue(lambda: in_hand.note_overdue(url))
    with Database(url) as database:
        worker = worker_of(replace(server, database=database), map_message)
        work_off_all(database, replace(worker, in_hand=in_hand))


def exit_codes(
    server: FhirServer, database: Database, map_message: Callable[[Message], MappingResult]
) -> list[int | None]:
    """How one worker process after the other ends, until one has worked everything off."""
    codes: list[int | None] = []
    while not codes or codes[-1] != 0:
        arguments = (server, database.url, map_message)
        process = multiprocessing.get_context("fork").Process(target=_work, args=arguments)
        process.start()
        process.join(300)
        codes.append(process.exitcode)
        assert len(codes) <= MOST_DEATHS + 1
    return codes


@pytest.mark.parametrize(
    ("map_message", "codes", "reason"),
    [
        (backtracks, [EXIT_CODE, EXIT_CODE, 0], "ingest-message-overdue"),
        (never_returns, [-signal.SIGVTALRM] * MOST_DEATHS + [0], "ingest-worker-ended"),
    ],
)
def test_endless_message__is_held_and_the_others_are_stored(
    server: FhirServer,
    database: Database,
    map_message: Callable[[Message], MappingResult],
    codes: list[int],
    reason: str,
) -> None:
    """Twice within its time: in a group, where nobody knows whose fault it is, then alone."""
    journal(database, *(adt(n, patient=f"P{n}") for n in ("1", ENDLESS, "3", "4")))
    assert exit_codes(server, database, map_message) == codes
    found = {row["control_id"]: row for row in rows(database)}
    assert {n: row["state"] for n, row in found.items()} == {
        "1": "stored", ENDLESS: "held", "3": "stored", "4": "stored",
    }  # fmt: skip
    assert issue_ids(found[ENDLESS]) == [reason]
    assert queued(database) == []


def test_time_limit__counts_no_longer_once_a_claim_is_worked_off(
    server: FhirServer, database: Database
) -> None:
    journal(database, adt("1"))
    worker = worker_of(server, lambda m: MappingResult("C01", patient_bundle(m)))
    work_off_all(database, replace(worker, in_hand=InHand(TimeLimit(LONG_S))))
    assert signal.getitimer(signal.ITIMER_PROF) == (0.0, 0.0)
    assert signal.getitimer(signal.ITIMER_VIRTUAL) == (0.0, 0.0)
