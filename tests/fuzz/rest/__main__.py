"""`make fuzz-rest`: half of the time requests put together at random, half of it schemathesis over the
OpenAPI document, against a server of its own. Ends with exit code 1 where something is found.
"""

import random
import secrets
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from time import monotonic

from tests.fuzz.rest.exchange import exchange, fault_of
from tests.fuzz.rest.requests import draw
from tests.platform.served import Served, served

TYPES = ("", "Patient", "Observation", "ValueSet", "Subscription", "StructureDefinition")
"""Of which the OpenAPI document is asked for: empty for the one that takes the type as a parameter."""

CHECKS = (
    "not_a_server_error", "status_code_conformance", "content_type_conformance",
    "response_schema_conformance", "response_headers_conformance", "unsupported_method",
    "allow_header_conformance",
)  # fmt: skip


def main(seconds: float, seed: int) -> int:
    """Fuzz for so long; how many findings there were."""
    _tell(f"seed {seed}")
    with (
        tempfile.TemporaryDirectory() as folder,
        served(Path(folder), OSTEON_INGEST_WORKERS="0", OSTEON_LOG_FORMAT="json") as server,
    ):
        before = {process.pid for process in server.descendants()}
        found = _random_requests(server, seconds / 2, seed)
        for kind in TYPES:
            found += _schemathesis(server, kind, seconds / 2 / len(TYPES), seed)
        lines = server.log_path.read_text().splitlines(keepends=True)
        faults = [line for line in lines if "request failed" in line or "Traceback" in line]
        gone = before - {process.pid for process in server.descendants()}
        ready = server.get("/health/ready")[0]
    for line in faults:
        _tell(f"logged: {line}")
    _tell(f"findings: {found}; faults in the log: {len(faults)}; processes that ended: {len(gone)}; "
          f"ready afterwards: {ready == 200}")  # fmt: skip
    return found + len(faults) + (ready != 200)


def _random_requests(server: Served, seconds: float, seed: int) -> int:
    until = monotonic() + seconds
    chance = random.Random(seed)  # noqa: S311 — the same requests for the same seed
    statuses: Counter[str] = Counter()
    found = 0
    while monotonic() < until:
        request = draw(chance)
        try:
            answer = exchange(server.http_port, request)
            fault = fault_of(request, answer)
        except TimeoutError:
            answer, fault = b"", "no end within a minute"
        statuses[answer[9:10].decode() + "xx" if answer else "none"] += 1
        if fault is not None:
            found += 1
            _tell(f"{fault}: {request.content!r}\n  answered {answer[:2000]!r}")
    _tell(f"random requests: {statuses.total()}, {dict(statuses)}")
    return found


def _schemathesis(server: Served, kind: str, seconds: float, seed: int) -> int:
    url = f"http://127.0.0.1:{server.http_port}/fhir/openapi.json" + (
        f"?type={kind}" if kind else ""
    )
    command = [
        str(Path(sys.executable).with_name("schemathesis")), "run", url, "--max-time", str(max(1,
        round(seconds))),
        "--checks", ",".join(CHECKS), "--seed", str(seed), "--request-timeout", "60", "--workers", "2",
        "--suppress-health-check", "all", "--warnings", "off", "--continue-on-failure",
        "--phases", "coverage,fuzzing",
    ]  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        run = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    _tell(f"schemathesis {kind or 'all types'}: exit code {run.returncode}")
    _tell(run.stdout[-20_000:] if run.returncode else run.stdout[-600:])
    return int(run.returncode != 0)


def _tell(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asked_s = float(sys.argv[1]) if len(sys.argv) > 1 else 60
    sys.exit(
        min(main(asked_s, int(sys.argv[2]) if len(sys.argv) > 2 else secrets.randbelow(2**32)), 1)
    )
