"""The ingest under test: a process with its workers, which the soak kills and starts again."""

import os
import random
import signal
import socket
import subprocess
import sys

import psutil


class IngestProcess:
    """`python -m ingest` on a port of its own."""

    def __init__(self, url: str, workers: int) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
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
        found = psutil.Process(self._process.pid).children(recursive=True)
        workers = [one for one in found if "ingest.worker" in " ".join(one.cmdline())]
        if not workers:
            return False
        chosen.choice(workers).kill()
        return True

    def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        """End it and wait for it."""
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait()
            self._process = None
