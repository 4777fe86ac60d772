"""HL7 v2: reading every field, beside hl7apy and python-hl7; MLLP to the committed journal and its answer,
beside a durable insert of one row.
"""

import asyncio
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import psycopg

from benchmarks.hl7v2_lexing import read_all_fields
from benchmarks.hl7v2_messages import (
    network_messages,
    oru_of_network,
    oru_r01,
    oru_with_pdf,
)
from fhir_server.interactions.server import open_server
from fhir_server.interactions.transaction import transaction
from fhir_server.settings import Settings
from fhir_server.store import migrations
from fhir_server.store.bodies import unpacked
from fhir_server.store.database import Database
from fhir_server.store.embedded_postgres import EmbeddedPostgres
from ingest.mapping import default_library, organizations_bundle

CONNECTIONS = 24
SECONDS = 5.0
WORKERS = 2
WARM_UP_SECONDS = 15.0
WARM_UP_MESSAGES = 1_000
"""By then each worker has compiled what it uses; what it holds does not grow with that any more."""
STORING_SECONDS = float(os.environ.get("BENCH_STORING_SECONDS", "60"))
SETTLING_SECONDS = 60.0
"""By then caches are full: what processes grow by from here on to the end of a longer run is no cache."""
MOST_WAITING = 400
PDF_SIZE = 2_000_000
LARGEST_DOCUMENT = 50_000_000
LARGEST_GIVE_UP_SECONDS = 300.0


def main() -> None:
    """Print all figures."""
    read_all_fields()
    with tempfile.TemporaryDirectory() as folder:
        server = EmbeddedPostgres(Path(folder), owner="benchmark")
        server.start()
        try:
            migrations.upgrade(server.url())
            _journalling(server.url())
            _storing(server.url())
            _largest_document(server.url())
        finally:
            server.stop()


def _journalling(url: str) -> None:
    message = oru_r01()
    one = _durable_inserts(url, message, 1)
    many = _durable_inserts(url, message, CONNECTIONS)
    with _mllp_server(url) as port:
        # The first seconds fill caches and compile statements; they do not count.
        asyncio.run(_load(port, "warm", 1.0))
        latencies = asyncio.run(_load(port, "load", SECONDS))
        rate = len(latencies) / SECONDS
        pdf = _pdf_latencies(port)
        identical = _is_journalled(url, oru_with_pdf("pdf0", PDF_SIZE))
    percentiles = statistics.quantiles(latencies, n=100)
    print(
        f"ORU of {len(message)} bytes over MLLP, {CONNECTIONS} connections, to committed journal and ACK"
    )
    print(f"  durable insert of one row, 1 connection   {one:8.0f} /s  (floor)")
    print(f"  durable insert, {CONNECTIONS} connections            {many:8.0f} /s")
    print(
        f"  ours                                      {rate:8.0f} /s"
        f"   {rate / one:.2f} of the floor (goal 0.5), {rate / many:.2f} of {CONNECTIONS} connections"
    )
    print(
        f"  latency p50 {percentiles[49] * 1e3:.1f} ms, p99 {percentiles[98] * 1e3:.1f} ms (goal 50 ms)"
    )
    print(f"ORU with a PDF of 2 MB, to ACK: {pdf * 1e3:.0f} ms (goal 100 ms)")
    print(f"  byte-identical in the journal: {identical}")


def _is_journalled(url: str, message: bytes) -> bool:
    with psycopg.connect(url, autocommit=True) as connection:
        found = connection.execute(
            "SELECT count(*) FROM ingest_message WHERE raw = %b", (message,)
        ).fetchone()
    return bool(found and found[0])


def _durable_inserts(url: str, message: bytes, connections: int) -> float:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("DROP TABLE IF EXISTS floor")
        connection.execute("CREATE TABLE floor (id bigserial PRIMARY KEY, raw bytea)")
    counts = [0] * connections
    stop = threading.Event()

    def insert(number: int) -> None:
        with psycopg.connect(url, autocommit=True) as connection:
            while not stop.is_set():
                connection.execute("INSERT INTO floor (raw) VALUES (%b)", (message,))
                counts[number] += 1

    threads = [threading.Thread(target=insert, args=(n,)) for n in range(connections)]
    for thread in threads:
        thread.start()
    time.sleep(SECONDS)
    stop.set()
    for thread in threads:
        thread.join()
    return sum(counts) / SECONDS


@dataclass(frozen=True)
class _Use:
    """What the processes of a kind hold and have used.

    Shape: `memory` counts each shared page once, such as PostgreSQL's buffers; `private` none of them.
    Units: bytes, seconds.
    """

    memory: int = 0
    private: int = 0
    processor: float = 0.0


@dataclass(frozen=True)
class _Sustained:
    """Shape: `uses` at the start, after SETTLING_SECONDS and at the end."""

    messages: int
    rate: float
    uses: tuple[dict[str, _Use], ...]


def _storing(url: str) -> None:
    """MLLP to stored, searchable FHIR, with validation: the synthetic network's messages."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("TRUNCATE ingest_message, ingest_queue, ingest_tally")
    with Database(url) as database:
        transaction(
            open_server(Settings(), database),
            organizations_bundle(default_library().register.centres.values()),
        )
    with _mllp_server(url, workers=WORKERS) as port:
        document = oru_of_network("pdf", PDF_SIZE)
        asyncio.run(_exchange(port, document))
        found = asyncio.run(_sustain(url, port))
    print(
        f"MLLP to stored FHIR, {WORKERS} workers, validation on, {STORING_SECONDS:.0f} s\n"
        f"  {found.rate:8.0f} messages/s (goal 150)"
    )
    for kind in found.uses[0]:
        used = [at[kind] for at in found.uses]
        processor = (used[-1].processor - used[0].processor) / found.messages
        print(
            f"  {kind:10} {processor * 1e3:6.2f} ms of processor time a message; resident"
            f" {used[0].memory / 1e6:.0f} MB at the start, {used[1].memory / 1e6:.0f} MB after"
            f" {min(SETTLING_SECONDS, STORING_SECONDS):.0f} s, {used[2].memory / 1e6:.0f} MB at the end"
            f" ({(used[2].memory - used[1].memory) / 1e6:+.0f} MB), {used[2].private / 1e6:.0f} MB private"
        )
    print(
        f"  the document of {PDF_SIZE} bytes is byte-identical in FHIR: {_is_stored(url, document)}"
    )


def _largest_document(url: str) -> None:
    """A document of 50 MB from the socket to FHIR: time, and what the processes hold at most for it."""
    message = oru_of_network("largest", LARGEST_DOCUMENT)
    with _mllp_server(url, workers=1) as port, psycopg.connect(url, autocommit=True) as connection:
        asyncio.run(_exchange(port, oru_of_network("warm", PDF_SIZE)))
        _wait_until_settled(connection)
        first = most = _memory()
        began = time.perf_counter()
        with ThreadPoolExecutor(1) as thread:
            sent = thread.submit(asyncio.run, _exchange(port, message))
            answered = 0.0
            while not sent.done() or _settled(connection)[1]:
                if sent.done() and not answered:
                    answered = time.perf_counter() - began
                most = {kind: max(size, most.get(kind, 0)) for kind, size in _memory().items()}
                if time.perf_counter() - began > LARGEST_GIVE_UP_SECONDS:
                    raise TimeoutError("the document was not stored")
                time.sleep(0.02)
            sent.result()
        stored = time.perf_counter() - began
    print(
        f"ORU with a document of {LARGEST_DOCUMENT / 1e6:.0f} MB ({len(message) / 1e6:.0f} MB on the line)\n"
        f"  {answered:.1f} s to ACK, {stored:.1f} s to stored FHIR"
    )
    for kind in ("listener", "workers"):
        held = most[kind] - first[kind]
        print(
            f"  {kind:10} {held / 1e6:5.0f} MB more, {held / LARGEST_DOCUMENT:.1f} times the document"
        )
    print(f"  byte-identical in FHIR: {_is_stored(url, message)}")


def _memory() -> dict[str, int]:
    return {kind: used.memory for kind, used in _use().items()}


def _wait_until_settled(connection: psycopg.Connection[Any]) -> None:
    while _settled(connection)[1]:
        time.sleep(0.1)


async def _sustain(url: str, port: int) -> _Sustained:
    """Send as fast as messages are stored; what waits is kept small."""
    waiting = asyncio.Event()
    waiting.set()
    senders = [
        asyncio.create_task(_send_network(port, messages, waiting))
        for messages in network_messages(CONNECTIONS)
    ]
    try:
        with psycopg.connect(url, autocommit=True) as connection:
            while _settled(connection)[0] < WARM_UP_MESSAGES:
                await _pace(connection, waiting, WARM_UP_SECONDS)
            began, before, first = time.perf_counter(), _use(), _settled(connection)[0]
            settling = min(SETTLING_SECONDS, STORING_SECONDS)
            await _pace(connection, waiting, settling)
            settled = _use()
            await _pace(connection, waiting, STORING_SECONDS - settling)
            stored = _settled(connection)[0] - first
            rate = stored / (time.perf_counter() - began)
            return _Sustained(stored, rate, (before, settled, _use()))
    finally:
        for task in senders:
            task.cancel()
        await asyncio.gather(*senders, return_exceptions=True)


async def _pace(
    connection: psycopg.Connection[Any], waiting: asyncio.Event, seconds: float
) -> None:
    """Let the senders go on while few messages wait for a worker."""
    give_up = time.perf_counter() + seconds
    while time.perf_counter() < give_up:
        await asyncio.sleep(0.2)
        (waiting.clear if _settled(connection)[1] > MOST_WAITING else waiting.set)()


def _settled(connection: psycopg.Connection[Any]) -> tuple[int, int]:
    """How many messages are stored, and how many wait. Cost: does not grow with the journal."""
    found = connection.execute(
        "SELECT (SELECT coalesce(sum(messages), 0) FROM ingest_tally WHERE state = 'stored'),"
        " (SELECT count(*) FROM ingest_queue)"
    ).fetchone()
    return (int(found[0]), int(found[1])) if found else (0, 0)


def _use() -> dict[str, _Use]:
    """By kind: the listener, the workers, PostgreSQL, the senders (this process)."""
    me = psutil.Process()
    uses = {"senders": _use_of([me])}
    kinds: dict[str, list[psutil.Process]] = {}
    for one in me.children(recursive=True):
        command = " ".join(one.cmdline())
        name = "workers" if "ingest.worker" in command else "listener"
        kinds.setdefault("PostgreSQL" if "postgres" in one.name() else name, []).append(one)
    return uses | {kind: _use_of(found) for kind, found in kinds.items()}


def _use_of(processes: Sequence[psutil.Process]) -> _Use:
    memory, private, processor = 0, 0, 0.0
    for one in processes:
        with suppress(psutil.Error):
            held = one.memory_full_info()
            memory += held.pss
            private += held.uss
            processor += sum(one.cpu_times()[:2])
    return _Use(memory, private, processor)


async def _send_network(port: int, messages: Iterator[bytes], waiting: asyncio.Event) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for message in messages:
        await waiting.wait()
        writer.write(b"\x0b" + message + b"\x1c\r")
        await reader.readuntil(b"\x1c\r")


async def _exchange(port: int, message: bytes) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"\x0b" + message + b"\x1c\r")
    assert b"MSA|AA|" in await reader.readuntil(b"\x1c\r")
    writer.close()


def _is_stored(url: str, message: bytes) -> bool:
    """Whether a resource holds the document of a message, letter for letter."""
    document = message.split(b"^Base64^")[1].split(b"|")[0]
    with psycopg.connect(url, autocommit=True) as connection:
        rows = connection.execute("SELECT body FROM resource WHERE NOT deleted").fetchall()
    return any(document in unpacked(body) for (body,) in rows)


@contextmanager
def _mllp_server(url: str, workers: int = 0) -> Iterator[int]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    environment = {
        **os.environ,
        "OSTEON_DATABASE_URL": url,
        "OSTEON_MLLP_PORT": str(port),
        "OSTEON_INGEST_WORKERS": str(workers),
        "OSTEON_LOG_LEVEL": "error",
    }
    with subprocess.Popen([sys.executable, "-m", "ingest"], env=environment) as process:
        try:
            _wait_for(port)
            yield port
        finally:
            process.terminate()


def _wait_for(port: int) -> None:
    for _ in range(500):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.02)
        else:
            return
    raise TimeoutError("the MLLP server did not start")


async def _load(port: int, label: str, seconds: float) -> list[float]:
    give_up = time.perf_counter() + seconds
    senders = (_send_until(port, f"{label}{n}", give_up) for n in range(CONNECTIONS))
    return [latency for latencies in await asyncio.gather(*senders) for latency in latencies]


async def _send_until(port: int, label: str, give_up: float) -> list[float]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    message = oru_r01("CONTROLID")
    latencies: list[float] = []
    while (began := time.perf_counter()) < give_up:
        own = message.replace(b"CONTROLID", f"{label}-{len(latencies)}".encode())
        writer.write(b"\x0b" + own + b"\x1c\r")
        answer = await reader.readuntil(b"\x1c\r")
        assert b"MSA|AA|" in answer
        latencies.append(time.perf_counter() - began)
    writer.close()
    return latencies


def _pdf_latencies(port: int) -> float:
    found: list[float] = []
    for number in range(5):
        frame = b"\x0b" + oru_with_pdf(f"pdf{number}", PDF_SIZE) + b"\x1c\r"
        with socket.create_connection(("127.0.0.1", port)) as connection:
            began = time.perf_counter()
            connection.sendall(frame)
            assert b"MSA|AA|" in _answer(connection)
            found.append(time.perf_counter() - began)
    return statistics.median(found)


def _answer(connection: socket.socket) -> bytes:
    answer = b""
    while not answer.endswith(b"\x1c\r"):
        answer += connection.recv(65_536)
    return answer
