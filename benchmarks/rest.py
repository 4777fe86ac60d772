"""The FHIR interface over HTTP beside what PostgreSQL alone does with the same bytes.

    python -m benchmarks rest

`osteon serve` and its PostgreSQL are processes of their own, durable, validation and indexing on; the load
runs on the same processors. Data: the demo network, its entries as they are sent (conditional), in Bundles
of a hundred. Every floor is measured in the same run, against the same PostgreSQL.
"""

import asyncio
import json
import os
import socket
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import psutil
import psycopg

from benchmarks.creates import CLIENTS as CREATORS
from benchmarks.creates import create_rate, insert_rate
from fhir_server.demo.write import write_network
from fhir_server.store.bodies import unpacked
from fhir_server.store.embedded_postgres import EmbeddedPostgres
from tests.platform.served import Served, served

PATIENTS = int(os.environ.get("BENCH_PATIENTS", "1200"))
BUNDLE_SIZE = 100
CLIENTS = 8
WARM_UP = 8
"""Bundles sent before the count begins: each process compiles what a profile needs at its first resource."""
READERS = 16
SECONDS = 5.0
HEADERS = {"Content-Type": "application/fhir+json"}
_KINDS = ("date", "number", "quantity", "string", "reference")
Resource = dict[str, Any]


def main() -> None:
    """Print one line a measure."""
    with tempfile.TemporaryDirectory() as folder:
        database = EmbeddedPostgres(Path(folder) / "pg", durable=True, owner="rest benchmark")
        database.start()
        try:
            url = database.url("postgres")
            variables = {"OSTEON_DATABASE_URL": url, "OSTEON_WEB_PROCESSES": "2",
                         "OSTEON_LOG_LEVEL": "error", "OSTEON_INGEST_WORKERS": "1"}  # fmt: skip
            bundles = hundreds(Path(folder) / "network")
            with served(Path(folder) / "data", **variables) as server:
                bench = Bench(server, url, database)
                bench.imports(bundles)
                bench.sizes()
                bench.creates()
                bench.reads()
        finally:
            database.stop()


def hundreds(folder: Path) -> list[bytes]:
    """The demo network as transaction Bundles of about a hundred entries, the centres first."""
    write_network(folder, 1, PATIENTS)
    lines = (folder / "bundles.ndjson").read_bytes().splitlines()
    bundles, entries = [lines[0]], list[Resource]()
    for line in lines[1:]:
        added = json.loads(line)["entry"]
        # What is told of a patient later goes into one Bundle with the patient: Bundles run in parallel.
        if len(entries) >= BUNDLE_SIZE and added[0]["resource"]["resourceType"] == "Patient":
            bundles.append(_bundle(entries))
            entries = []
        known = {
            entry["request"]["url"] for entry in entries if entry["request"]["method"] == "PUT"
        }
        entries += [entry for entry in added if entry["request"]["url"] not in known]
    return [*bundles, _bundle(entries)]


def _bundle(entries: list[Resource]) -> bytes:
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
    return json.dumps(bundle, ensure_ascii=False).encode()


@dataclass
class Bench:
    """A server under load, its database, and what they cost."""

    server: Served
    url: str
    database: EmbeddedPostgres

    def imports(self, bundles: Sequence[bytes]) -> None:
        """Transactions by parallel clients, beside COPY of the same bodies."""
        self._post("/fhir", bundles[0])
        assert self.server.process is not None
        _wait_until_idle(psutil.Process(self.server.process.pid))
        self._import(bundles[1 : WARM_UP + 1])
        with psycopg.connect(self.url) as connection:
            before = _one(connection, "SELECT count(*) FROM resource")
        with self._processor_time() as used:
            began = time.perf_counter()
            self._import(bundles[WARM_UP + 1 :])
            elapsed = time.perf_counter() - began
        total, floor = self._copied()
        count = total - before
        print(
            f"import, Bundles of {BUNDLE_SIZE}, {CLIENTS} clients  {count / elapsed:8.0f} /s (goal 2500)   "
            f"COPY {floor:8.0f} /s   1/{floor / (count / elapsed):.0f} (goal 1/25)   "
            f"processor ms each: {used.per(count)}"
        )

    def _import(self, bundles: Sequence[bytes]) -> None:
        left = iter(bundles)
        lock = threading.Lock()

        def client() -> None:
            connection = HTTPConnection("127.0.0.1", self.server.http_port, timeout=120)
            while True:
                with lock:
                    bundle = next(left, None)
                if bundle is None:
                    break
                connection.request("POST", "/fhir", bundle, HEADERS)
                answer = connection.getresponse()
                body = answer.read()
                assert answer.status == 200, body[:2000]
            connection.close()

        _in_parallel([client] * CLIENTS)

    def _copied(self) -> tuple[int, float]:
        with psycopg.connect(self.url, autocommit=True) as connection:
            rows = _bodies(connection)
            connection.execute("CREATE TABLE floor_copy (key bigint PRIMARY KEY, body bytea)")
            began = time.perf_counter()
            with connection.cursor().copy("COPY floor_copy FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)
            elapsed = time.perf_counter() - began
            connection.execute("DROP TABLE floor_copy")
        return len(rows), len(rows) / elapsed

    def sizes(self) -> None:
        """Disk of the store, beside the JSON it holds."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute("VACUUM ANALYZE")
            disk = {
                table: _one(connection, "SELECT pg_total_relation_size(%s::regclass)", table)
                for table in ("resource", "search_text", *(f"search_{kind}" for kind in _KINDS))
            }
            plain = sum(len(body) for _, body in _bodies(connection))
        words = disk.pop("search_text")
        print(
            f"disk a resource: {sum(disk.values()) / plain:.2f} × its JSON (goal 3)   "
            f"the words of full text {words / plain:.2f} beside it   "
            + ", ".join(f"{table} {size / plain:.2f}" for table, size in disk.items())
        )

    def creates(self) -> None:
        """One resource at a time of each client, each on disk before it is answered."""
        for clients in CREATORS:
            floor = insert_rate(self.url, clients)
            ours = create_rate(self.server.http_port, clients)
            print(
                f"single create, {clients:2} clients        {ours:8.0f} /s   "
                f"insert {floor:6.0f} /s   {ours / floor:.2f} (goal 0.33)"
            )

    def reads(self) -> None:
        """Reads of known ids by keep-alive clients, beside SELECT of the same rows by one process."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            rows = connection.execute(
                "SELECT key, id FROM resource WHERE type = (SELECT type FROM resource "
                "GROUP BY type ORDER BY count(*) DESC LIMIT 1) LIMIT 2000"
            ).fetchall()
            keys = iter([row[0] for row in rows] * 1000)
            floor = _rate(
                lambda: connection.execute(
                    "SELECT body FROM resource WHERE key = %s", (next(keys),)
                ).fetchone()
            )
        paths = [f"/fhir/Observation/{row[1]}" for row in rows]
        with self._processor_time() as used:
            latencies = asyncio.run(_read_all(self.server.http_port, paths))
        rate = len(latencies) / SECONDS
        p50, p99 = (statistics.quantiles(latencies, n=100)[at] * 1e3 for at in (49, 98))
        print(
            f"read by id, {READERS} clients         {rate:8.0f} /s (goal 3000)   SELECT {floor:6.0f} /s   "
            f"{rate / floor:.2f}   p50 {p50:.1f} ms, p99 {p99:.1f} ms   "
            f"processor ms each: {used.per(len(latencies))}"
        )

    def _post(self, path: str, body: bytes) -> None:
        connection = HTTPConnection("127.0.0.1", self.server.http_port, timeout=60)
        connection.request("POST", path, body, HEADERS)
        answer = connection.getresponse()
        assert answer.status == 200, answer.read()[:2000]
        connection.close()

    @contextmanager
    def _processor_time(self) -> Iterator["Used"]:
        assert self.server.process is not None
        used = Used()
        servers = psutil.Process(self.server.process.pid)
        before = _seconds(servers), _seconds(_postmaster(self.url)), time.process_time()
        yield used
        after = _seconds(servers), _seconds(_postmaster(self.url)), time.process_time()
        used.parts = {
            name: end - start
            for name, start, end in zip(
                ("server", "PostgreSQL", "load"), before, after, strict=True
            )
        }


class Used:
    """Processor seconds by part."""

    parts: dict[str, float]

    def per(self, count: int) -> str:
        """Milliseconds each."""
        return ", ".join(f"{name} {value / count * 1e3:.2f}" for name, value in self.parts.items())


def _seconds(root: psutil.Process) -> float:
    # Ended children count for the process that has waited for them.
    total = 0.0
    for process in [root, *root.children(recursive=True)]:
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system + times.children_user + times.children_system
    return total


def _wait_until_idle(server: psutil.Process) -> None:
    """Until the processes that start beside the web processes, such as workers, have started."""
    for _ in range(120):
        before = _seconds(server)
        time.sleep(1)
        if _seconds(server) - before < 0.1:
            return


def _postmaster(url: str) -> psutil.Process:
    with psycopg.connect(url) as connection:
        # By its number: psutil's `parent` compares times of birth, which the system's clock may move.
        return psutil.Process(psutil.Process(connection.info.backend_pid).ppid())


def _bodies(connection: psycopg.Connection[Any]) -> list[tuple[int, bytes]]:
    """The keys and the JSON of all resources."""
    rows = connection.execute("SELECT key, body FROM resource WHERE NOT deleted", binary=True)
    return [(key, unpacked(body)) for key, body in rows]


def _one(connection: psycopg.Connection[Any], statement: str, *values: object) -> int:
    row = connection.execute(statement.encode(), values).fetchone()
    assert row is not None
    return int(row[0])


def _in_parallel(work: Sequence[Callable[[], None]]) -> None:
    failures: list[BaseException] = []

    def run(one: Callable[[], None]) -> None:
        try:
            one()
        except BaseException as failure:  # told of in the main thread
            failures.append(failure)

    threads = [threading.Thread(target=run, args=(one,)) for one in work]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]


def _rate(work: Callable[[], object]) -> float:
    for _ in range(20):
        work()
    count, began = 0, time.perf_counter()
    while time.perf_counter() - began < SECONDS:
        work()
        count += 1
    return count / SECONDS


async def _read_all(port: int, paths: Sequence[str]) -> list[float]:
    give_up = time.perf_counter() + SECONDS
    readers = (_read_until(port, paths[n::READERS], give_up) for n in range(READERS))
    return [latency for found in await asyncio.gather(*readers) for latency in found]


async def _read_until(port: int, paths: Sequence[str], give_up: float) -> list[float]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    latencies: list[float] = []
    while (began := time.perf_counter()) < give_up:
        path = paths[len(latencies) % len(paths)]
        writer.write(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200"), head
        length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n", 1)[0])
        await reader.readexactly(length)
        latencies.append(time.perf_counter() - began)
    writer.close()
    return latencies


if __name__ == "__main__":
    main()
