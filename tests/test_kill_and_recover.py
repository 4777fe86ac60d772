"""Everything is killed in the middle of a demo run; nothing acknowledged is lost, nothing comes twice."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from tests.platform.served import ENDS_WITHIN_S, Served
from tests.processes import kill_all

PATIENTS = 25


def demo(server: Served, summary: Path) -> subprocess.Popen[str]:
    command = [str(Path(sys.executable).with_name("osteon")), "demo", "--patients", str(PATIENTS)]
    command += ["--base", f"http://127.0.0.1:{server.http_port}/fhir"]
    command += ["--mllp", f"127.0.0.1:{server.mllp_port}", "--summary", str(summary)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def assert_all_accepted(server: Served, summary: Path) -> None:
    running = demo(server, summary)
    told, _ = running.communicate(timeout=ENDS_WITHIN_S)
    refused = [server.get_json(f"/ingest/messages?state={state}") for state in ("held", "rejected")]
    assert running.returncode == 0, f"{told}\n{refused}"


def total(server: Served, resource_type: str) -> int:
    found: int = server.get_json(f"/fhir/{resource_type}?_summary=count&_total=accurate")["total"]
    return found


def wait_until_counts(server: Served, expected: dict[str, int]) -> dict[str, int]:
    give_up = time.monotonic() + ENDS_WITHIN_S
    while True:
        counts = {resource_type: total(server, resource_type) for resource_type in expected}
        if counts == expected or time.monotonic() > give_up:
            return counts
        time.sleep(0.2)


def kill_everything(server: Served) -> None:
    assert server.process is not None
    doomed = server.descendants()
    os.kill(server.process.pid, signal.SIGKILL)
    kill_all(doomed)
    server.process.communicate(timeout=ENDS_WITHIN_S)


def read_summary(path: Path) -> Any:
    return json.loads(path.read_text())


def test_kill__everything_acknowledged_is_there_once(tmp_path: Path) -> None:
    server = Served(tmp_path / "data")
    try:
        server.start()
        first = demo(server, tmp_path / "first.json")
        while total(server, "Patient") < PATIENTS // 3 and first.poll() is None:
            time.sleep(0.05)
        kill_everything(server)
        first.communicate(timeout=ENDS_WITHIN_S)
        server.start()
        assert_all_accepted(server, tmp_path / "again.json")
        expected = read_summary(tmp_path / "again.json")["resources"]
        assert wait_until_counts(server, expected) == expected
        assert_all_accepted(server, tmp_path / "third.json")
        assert wait_until_counts(server, expected) == expected
    finally:
        if server.process is not None and server.process.poll() is None:
            server.end(signal.SIGTERM)
