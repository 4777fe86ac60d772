"""The demo sent twice to a whole server: the second run writes no new version of anything."""

from collections import Counter
from pathlib import Path

import pytest

from fhir_server.cli.main import run
from tests.platform.served import Served, served

PATIENTS = 8
"""Enough that some are first known from messages, some from Bundles alone."""


def send(server: Served) -> int:
    base = f"http://127.0.0.1:{server.http_port}/fhir"
    mllp = f"127.0.0.1:{server.mllp_port}"
    return run(["demo", f"--patients={PATIENTS}", f"--base={base}", f"--mllp={mllp}"])


def versions(server: Served) -> Counter[str]:
    """Versions of every resource by type and id, the first page after the other."""
    found: Counter[str] = Counter()
    path = "/fhir/_history?_count=1000"
    while path:
        page = server.get_json(path)
        for entry in page.get("entry", ()):
            resource = entry["resource"]
            found[f"{resource['resourceType']}/{resource['id']}"] += 1
        following = [link["url"] for link in page["link"] if link["relation"] == "next"]
        path = following[0].partition(f":{server.http_port}")[2] if following else ""
    return found


def test_demo__sent_again_writes_no_new_version(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with served(tmp_path) as server:
        assert send(server) == 0, capsys.readouterr().err
        first = versions(server)
        assert send(server) == 0, capsys.readouterr().err

        assert versions(server) - first == Counter()
        assert len(first) > PATIENTS * 10
