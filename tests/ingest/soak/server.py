"""The ingest under test: a process with its workers, which the soak kills and starts again."""

import os
import random
import signal
import subprocess
import sys

import psutil

from tests.free_ports import free_port
from tests.processes import kill_all, processes_of


class IngestProcess:
    """`python -m ingest` on a port of its own."""

    def __init__(self, url: str, workers: int) -> None:
        self.port = free_port()
        self._environment = {
            **os.environ,
            "OSTEON_DATABASE_URL": url,
            "OSTEON_MLLP_PORT": str(self.port),
            "OSTEON_INGEST_WORKERS": str(workers),
            "OSTEON_LOG_LEVEL": "error",
        }
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it; senders try until it listens."""
        self._process = subprocess.Popen([sys.executable, "-m", "ingest"], env=self._environment)

    def kill_server(self) -> None:
        """`kill -9` of the server; the kernel ends its workers with it. Then start it again."""
        self.stop(signal.SIGKILL)
        self.start()

    def kill_worker(self, chosen: random.Random) -> bool:
        """`kill -9` of one worker, which its server starts again; whether there was one."""
        assert self._process is not None, "started"
        workers = processes_of(psutil.Process(self._process.pid), "ingest.worker")
        return bool(workers and kill_all([chosen.choice(workers)]))

    def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        """End it and wait for it."""
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait()
            self._process = None
