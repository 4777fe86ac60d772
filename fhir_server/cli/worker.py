"""One process that the supervisor runs: started, watched, started again when it ends unasked."""

import contextlib
import os
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import psutil

from fhir_server.operator_error import OperatorError

QUICK_FAILURE_S = 30.0
MOST_QUICK_FAILURES = 8
FIRST_PAUSE_S = 0.2
"""The pause before a process that has ended is started again; it doubles with each quick failure."""


@dataclass
class Worker:
    """A process by its name and command.

    Shape: `variables` are added to the environment; `descriptors` stay open in the process; `is_ready`
    says whether it does its work yet.
    """

    name: str
    command: Sequence[str]
    variables: Mapping[str, str]
    is_ready: Callable[["Worker"], bool] = lambda _worker: True
    descriptors: Sequence[int] = ()
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False)
    _started: float = field(default=0.0, init=False)
    _failures: int = field(default=0, init=False)
    _due: float | None = field(default=None, init=False)

    def start(self) -> None:
        """Start the process, in a session of its own: Ctrl-C is the supervisor's to handle."""
        self._started = time.monotonic()
        self._process = subprocess.Popen(  # noqa: S603 — the command is ours
            self.command,
            env={**os.environ, **self.variables},
            pass_fds=tuple(self.descriptors),
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )

    def exit_code(self) -> int | None:
        """The exit code, or None while it runs."""
        return self._process.poll() if self._process else None

    def watch(self) -> str | None:
        """Start the process again where it has ended, after a pause; what happened, in a line.

        Errors: OperatorError where it keeps ending soon after its start.
        """
        code = self.exit_code()
        if code is None:
            return None
        if self._due is None:
            return self._plan_restart(code)
        if time.monotonic() >= self._due:
            self._due = None
            self.start()
        return None

    def _plan_restart(self, code: int) -> str:
        now = time.monotonic()
        self._failures = self._failures + 1 if now - self._started < QUICK_FAILURE_S else 1
        if self._failures > MOST_QUICK_FAILURES:
            raise OperatorError(f"the {self.name} process keeps ending, with exit code {code}")
        self._due = now + FIRST_PAUSE_S * 2 ** (self._failures - 1)
        return f"the {self.name} process ended with exit code {code}; starting it again"

    def listens_on(self, port: int) -> bool:
        """Whether the process has a TCP port open. No connection is made, which others would note."""
        if self._process is None:
            return False
        with contextlib.suppress(psutil.Error):
            return any(
                connection.status == psutil.CONN_LISTEN and connection.laddr.port == port
                for connection in psutil.Process(self._process.pid).net_connections(kind="tcp")
            )
        return False

    def ask_to_end(self) -> None:
        """Send SIGTERM."""
        if self._process and self._process.poll() is None:
            self._process.terminate()

    def wait_or_kill(self, deadline: float) -> None:
        """Wait until a moment of the monotonic clock, then kill."""
        if self._process is None:
            return
        try:
            self._process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
