"""`osteon serve` as a process of its own, on free ports and a data directory of its own."""

import http.client
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import psutil

from tests.free_ports import free_port
from tests.processes import processes_of

OSTEON = (str(Path(sys.executable).with_name("osteon")),)
ENDS_WITHIN_S = 300.0
"""Far more than any end takes: what has not ended by then never would."""
ANSWERS_WITHIN_S = 400.0


@dataclass
class Served:
    """A server under test. `variables` are settings beside the ports and the data directory; `program` is
    what runs as `osteon`.
    """

    data_dir: Path
    variables: dict[str, str] = field(default_factory=dict)
    http_port: int = field(default_factory=free_port)
    mllp_port: int = field(default_factory=free_port)
    process: subprocess.Popen[str] | None = None
    program: Sequence[str] = OSTEON

    @property
    def log_path(self) -> Path:
        """What it reports once started: a pipe that nobody reads would hold it up once it is full."""
        return self.data_dir / "server.log"

    def command(self, errors: IO[bytes] | int = subprocess.PIPE) -> subprocess.Popen[str]:
        """Start `osteon serve`; what it reports goes to `errors`."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("OSTEON_")}
        settings = {
            "OSTEON_DATA_DIR": str(self.data_dir),
            "OSTEON_HTTP_PORT": str(self.http_port),
            "OSTEON_MLLP_PORT": str(self.mllp_port),
            "OSTEON_STATEMENT_TIMEOUT_S": "300",
            "OSTEON_REQUEST_TIMEOUT_S": "300",
        }
        return subprocess.Popen(
            [*self.program, "serve"],
            env={**kept, **settings, **self.variables},
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )

    def start(self) -> None:
        """Start and wait until it says that it is ready."""
        self.data_dir.mkdir(parents=True, exist_ok=True)
        with self.log_path.open("wb") as errors:
            self.process = self.command(errors)
        assert self.process.stdout is not None
        lines = []
        for line in self.process.stdout:
            lines.append(line)
            if line.startswith("Stop it with"):
                return
        raise AssertionError("".join(lines) + self.log_path.read_text())

    def get(self, path: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
        """One GET request."""
        connection = http.client.HTTPConnection(
            "127.0.0.1", self.http_port, timeout=ANSWERS_WITHIN_S
        )
        try:
            connection.request("GET", path, headers=headers)
            answer = connection.getresponse()
            named = {name.lower(): value for name, value in answer.getheaders()}
            return answer.status, named, answer.read()
        finally:
            connection.close()

    def get_json(self, path: str) -> Any:
        """The content of one GET request."""
        return json.loads(self.get(path, Accept="application/json")[2])

    def descendants(self) -> list[psutil.Process]:
        """All processes below the supervisor."""
        return self.supervisor().children(recursive=True)

    def supervisor(self) -> psutil.Process:
        """The supervisor itself."""
        assert self.process is not None
        return psutil.Process(self.process.pid)

    def processes_of(self, module: str) -> list[psutil.Process]:
        """Those below the supervisor that run a module."""
        return processes_of(self.supervisor(), module)

    def end(self, number: int) -> None:
        """Send a signal and wait for the end."""
        assert self.process is not None
        self.process.send_signal(number)
        self.process.communicate(timeout=ENDS_WITHIN_S)


@contextmanager
def served(
    data_dir: Path, *, program: Sequence[str] = OSTEON, **variables: str
) -> Iterator[Served]:
    """A ready server, ended afterwards whatever happened."""
    server = Served(data_dir, variables, program=program)
    try:
        server.start()
        yield server
    finally:
        if server.process is not None:
            if server.process.poll() is None:
                server.end(signal.SIGTERM)
            server.process.communicate()
