"""One soak: send in disorder under kills, let it settle, load the same calmly elsewhere, compare."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import psycopg

from fhir_server.demo.messages import V2Message
from fhir_server.interactions.server import FhirServer
from fhir_server.interactions.transaction import transaction
from fhir_server.store.database import Database
from ingest.journal.loading import load_messages
from ingest.journal.reception import Reception
from ingest.mapping import default_library, draft_message, organizations_bundle
from ingest.worker.message import MessageWorker
from ingest.worker.run import work_off_some
from ingest.worker.stored import StoredResources
from tests.ingest.soak.feed import Feed
from tests.ingest.soak.sender import HABITS, Sender
from tests.ingest.soak.server import IngestProcess
from tests.ingest.store_content import Content, store_content

MOST_WAITING = 400
"""Senders pause while so many messages wait: the rate is that of the whole way, not of the journal."""

LOOK_EVERY_S = 0.2


@dataclass(frozen=True, slots=True)
class Plan:
    """How long and how hard.

    Shape: ends after `seconds`, or once `messages` are given; within each `kill_every_s`, or while
    `kill_every_messages` are acknowledged, a worker is killed and, half-way to the next, the server.
    """

    seconds: float | None = None
    messages: int | None = None
    kill_every_s: float | None = None
    kill_every_messages: int | None = None
    workers: int = 2
    seed: int = 1


@dataclass(slots=True)
class Outcome:
    """What came of it. Shape: `differences` name resources and messages that are not the same."""

    sent: int
    seconds: float
    counts: Counter[str]
    states: Counter[str]
    resources: int
    differences: list[str] = field(default_factory=list)

    @property
    def missing(self) -> list[str]:
        """Disturbances that did not happen: a run without them proves nothing about them."""
        wanted = [*(habit for habit, _ in HABITS), "worker killed", "server killed"]
        return [name for name in wanted if not self.counts[name]]


async def send_under_kills(
    plan: Plan, server: IngestProcess, database: Database
) -> tuple[list[V2Message], Counter[str], float]:
    """All centres at once; the messages that were acknowledged, and what happened on the way."""
    feed = Feed(plan.seed, plan.messages)
    counts: Counter[str] = Counter()
    sent: list[V2Message] = []
    began = time.monotonic()
    stop = asyncio.Event()
    backlog = _Backlog(database)

    async def centre(name: str) -> None:
        sender = Sender(lambda: server.port, (plan.seed, name), counts)
        while not stop.is_set() and (message := feed.next_of(name)) is not None:
            while backlog.waiting > MOST_WAITING and not stop.is_set():
                await asyncio.sleep(LOOK_EVERY_S)
            await sender.send(message)
            sent.append(message)
        sender.close()

    server.start()
    senders = asyncio.gather(*(centre(name) for name in feed.centres))
    kills = asyncio.create_task(_kill(plan, server, sent, counts))
    beside = [asyncio.create_task(backlog.watch()), kills]
    if plan.seconds is not None:
        asyncio.get_running_loop().call_later(plan.seconds, stop.set)
    try:
        await senders
        seconds = time.monotonic() - began
        if plan.kill_every_messages is None:
            # Where a start takes longer than the next kill leaves, the rest would never be stored.
            kills.cancel()
        await asyncio.gather(kills, return_exceptions=True)
        while await asyncio.to_thread(backlog.look):
            await asyncio.sleep(LOOK_EVERY_S)
    finally:
        for task in beside:
            task.cancel()
        await asyncio.gather(*beside, return_exceptions=True)
    return sent, counts, seconds


class _Backlog:
    """How many messages wait for a worker."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.waiting = 0

    def look(self) -> int:
        with self._database.connection() as connection:
            found = connection.execute("SELECT count(*) FROM ingest_queue").fetchone()
        self.waiting = int(found[0]) if found else 0
        return self.waiting

    async def watch(self) -> None:
        while True:
            await asyncio.to_thread(self.look)
            await asyncio.sleep(LOOK_EVERY_S)


async def _kill(
    plan: Plan, server: IngestProcess, sent: Sequence[V2Message], counts: Counter[str]
) -> None:
    chosen = random.Random(plan.seed)  # noqa: S311 — a repeatable disorder
    step_s, step_count = (plan.kill_every_s or 0) / 2, (plan.kill_every_messages or 0) / 2
    next_s, next_count = time.monotonic() + step_s, step_count
    planned = int(plan.messages / step_count) if plan.messages and step_count else None
    number = 0
    while number != planned:
        await asyncio.sleep(0.05)
        due_s = plan.kill_every_s is not None and time.monotonic() >= next_s
        due_count = plan.kill_every_messages is not None and len(sent) >= next_count
        if not due_s and not due_count:
            continue
        if number % 2:
            await asyncio.to_thread(server.kill_server)
            counts["server killed"] += 1
        elif server.kill_worker(chosen):
            counts["worker killed"] += 1
        else:
            continue
        number += 1
        next_s += step_s
        next_count += step_count


def load_calmly(
    messages: Sequence[V2Message], opened: FhirServer, progress: Callable[[int], None]
) -> None:
    """Each message once, in the order of the events it tells, one after the other."""
    library = default_library()
    transaction(opened, organizations_bundle(library.register.centres.values()))
    worker = MessageWorker(opened, library.register, draft_message, StoredResources(opened))
    in_order = sorted(messages, key=lambda one: (one.at, one.centre, one.control_id))
    reception = Reception(library.register)
    with psycopg.connect(opened.database.url, autocommit=True) as connection:
        for start in range(0, len(in_order), 100):
            part = [one.content for one in in_order[start : start + 100]]
            assert len(list(load_messages(connection, reception, part, "calm"))) == len(part)
            while work_off_some(connection, worker, most=1):
                pass
            progress(start + len(part))


def journal_states(database: Database) -> dict[tuple[int, str, bytes], str]:
    """The state of each message that was taken."""
    with database.connection() as connection:
        rows = connection.execute(
            "SELECT sender, control_id, hash, state FROM ingest_message WHERE state <> 'rejected'"
        ).fetchall()
    return {(row[0], row[1], bytes(row[2])): row[3] for row in rows}


def compare(soaked: Database, calm: Database) -> Iterator[str]:
    """Every difference between the two stores and between the states of the messages."""
    yield from _differences(store_content(soaked), store_content(calm))
    after, expected = journal_states(soaked), journal_states(calm)
    for key in after.keys() ^ expected.keys():
        yield f"message {key[1]} is in the {'soaked' if key in after else 'calm'} journal only"
    for key in after.keys() & expected.keys():
        if after[key] != expected[key]:
            yield f"message {key[1]} is {after[key]}, calmly {expected[key]}"


def _differences(soaked: Content, calm: Content) -> Iterator[str]:
    for name in sorted(soaked.keys() ^ calm.keys()):
        yield f"{name} is in the {'soaked' if name in soaked else 'calm'} store only"
    for name in sorted(soaked.keys() & calm.keys()):
        one, other = soaked[name], calm[name]
        elements = [key for key in one.keys() | other.keys() if one.get(key) != other.get(key)]
        if elements:
            yield f"{name} differs in {', '.join(sorted(elements))}"


def soak(
    plan: Plan,
    soaked: FhirServer,
    calm: FhirServer,
    progress: Callable[[str], None] = lambda _: None,
) -> Outcome:
    """Run a plan on two databases: one for the disorder, one for the calm."""
    transaction(soaked, organizations_bundle(default_library().register.centres.values()))
    server = IngestProcess(soaked.database.url, plan.workers)
    try:
        sent, counts, seconds = asyncio.run(send_under_kills(plan, server, soaked.database))
    finally:
        server.stop()
    progress(f"{len(sent)} messages acknowledged in {seconds:.0f} s; loading them again, calmly")
    load_calmly(sent, calm, lambda done: progress(f"{done} of {len(sent)}"))
    states = Counter(journal_states(soaked.database).values())
    return Outcome(
        sent=len(sent),
        seconds=seconds,
        counts=counts,
        states=states,
        resources=len(store_content(soaked.database)),
        differences=list(compare(soaked.database, calm.database)),
    )
