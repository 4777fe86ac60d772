"""A server killed in the midst of transactions: each is stored whole or not at all, and what was answered
is there.
"""

import contextlib
import http.client
import random
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import psutil

from tests.platform.served import Served
from tests.processes import kill_all
from tests.soak.traffic import Unanswered, next_path, patient, put_entry, send, transaction

WRITERS = 4
ENTRIES = 20
RESTART_S = 300


@dataclass
class Tally:
    """What the rounds have shown so far: transactions answered, and those whose answer was lost."""

    answered: int = 0
    lost_but_stored: int = 0
    lost_and_absent: int = 0


@dataclass
class _Round:
    number: int
    begun: threading.Event = field(default_factory=threading.Event)
    stop: threading.Event = field(default_factory=threading.Event)
    answered: set[str] = field(default_factory=set)
    lost: set[str] = field(default_factory=set)


def kill_midway(server: Served, kills: int, seed: int) -> Tally:
    """Kill the server so many times under load; the web process and everything by turns."""
    chance = random.Random(seed)  # noqa: S311 — when to kill, no secret
    tally = Tally()
    for number in range(kills):
        current = _Round(number)
        with ThreadPoolExecutor(WRITERS) as threads:
            for writer in range(WRITERS):
                threads.submit(_write, server, current, writer)
            current.begun.wait()
            time.sleep(chance.uniform(0.05, 0.6))
            if number % 2:
                _kill_everything(server)
            else:
                _kill_web(server)
            current.stop.set()
        _restore(server)
        _check(server, current, tally)
    return tally


def _write(server: Served, current: _Round, writer: int) -> None:
    count = 0
    while not current.stop.is_set():
        name = f"k{current.number}-{writer}-{count}"
        count += 1
        entries = [
            put_entry(patient(f"{name}-{place}", name=[{"family": name}]))
            for place in range(ENTRIES)
        ]
        current.begun.set()
        try:
            status, _ = send(server, "POST", "", transaction(entries))
        except Unanswered:
            current.lost.add(name)
            return
        assert status == 200
        current.answered.add(name)


def _kill_web(server: Served) -> None:
    kill_all(server.processes_of("fhir_server.http.server"))


def _kill_everything(server: Served) -> None:
    """The supervisor and all below it, PostgreSQL included, with no moment to put things in order."""
    victims = [server.supervisor(), *server.descendants()]
    for number in (signal.SIGSTOP, signal.SIGKILL):
        for victim in victims:
            with contextlib.suppress(psutil.NoSuchProcess):
                victim.send_signal(number)
    psutil.wait_procs(victims, timeout=RESTART_S)
    assert server.process is not None
    server.process.communicate()


def _restore(server: Served) -> None:
    assert server.process is not None
    if server.process.poll() is not None:
        server.start()
    give_up = time.monotonic() + RESTART_S
    while time.monotonic() < give_up:
        try:
            if server.get("/health/ready")[0] == 200:
                return
        except (OSError, http.client.HTTPException):
            pass
        time.sleep(0.05)
    raise AssertionError("the server did not come back")


def _check(server: Served, current: _Round, tally: Tally) -> None:
    for name in current.answered | current.lost:
        found = _stored(server, name)
        whole = {f"{name}-{place}" for place in range(ENTRIES)}
        assert found in (whole, set()), f"{name} is stored in part: {sorted(found)}"
        assert found or name not in current.answered, f"{name} was answered and is gone"
        if name in current.answered:
            tally.answered += 1
        elif found:
            tally.lost_but_stored += 1
        else:
            tally.lost_and_absent += 1


def _stored(server: Served, name: str) -> set[str]:
    """The ids that are there: by read and by search alike, or the index is not that of the rows."""
    searched: set[str] = set()
    path = f"Patient?family:exact={name}&_count=100"
    while path:
        _, page = send(server, "GET", path)
        searched |= {entry["resource"]["id"] for entry in page.get("entry", ())}
        path = next_path(page)
    ids = [f"{name}-{place}" for place in range(ENTRIES)]
    reads = [{"request": {"method": "GET", "url": f"Patient/{one}"}} for one in ids]
    _, answers = send(
        server, "POST", "", {"resourceType": "Bundle", "type": "batch", "entry": reads}
    )
    read = {
        one
        for one, entry in zip(ids, answers["entry"], strict=True)
        if entry["response"]["status"].startswith("200")
    }
    assert read == searched, f"{name}: the index differs from the rows"
    return read
