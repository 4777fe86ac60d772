"""A command under bounds of memory and time: what it is given may be built to exhaust both."""

import json
import resource
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MEMORY_BYTES = 2 * 1024**3
"""Address space; the command with all definitions needs about a quarter."""
CPU_S = 200
WALL_S = 1200
"""Generous: the costliest takes 5 s, and the machine may be slow or busy. What has no end takes hours."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended."""

    code: int
    out: bytes
    err: str

    @property
    def issues(self) -> list[dict[str, Any]]:
        """The issues of a JSON report."""
        return [issue for row in json.loads(self.out) for issue in row["issues"]]

    @property
    def errors(self) -> set[str]:
        """The ids of its errors."""
        return {issue["id"] for issue in self.issues if issue["severity"] in {"error", "fatal"}}


def osteon(*arguments: str | Path) -> Ended:
    """Run a command line; ends the test where the bounds are broken or a traceback is shown."""
    done = subprocess.run(
        [sys.executable, "-m", "fhir_server.cli.main", *map(str, arguments)],
        capture_output=True,
        check=False,
        timeout=WALL_S,
        preexec_fn=_bound,
    )
    err = done.stderr.decode()
    assert done.returncode in {0, 1}, (done.returncode, err)
    assert "Traceback" not in err
    return Ended(done.returncode, done.stdout, err)


def validated(folder: Path, resource_text: str | bytes, *loads: Any, name: str = "r.json") -> Ended:
    """Validate a resource with definitions loaded."""
    file = folder / name
    file.write_bytes(resource_text.encode() if isinstance(resource_text, str) else resource_text)
    arguments: list[str | Path] = ["validate", "--format", "json", file]
    for number, definition in enumerate(loads):
        loaded = folder / f"load-{number}.json"
        loaded.write_text(json.dumps(definition))
        arguments += ["--load", loaded]
    return osteon(*arguments)


def _bound() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_S, CPU_S))
