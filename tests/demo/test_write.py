"""Networks written to files."""

import json
from pathlib import Path

import pytest

from fhir_server.demo import write
from fhir_server.demo.mllp import END, START
from fhir_server.demo.write import write_network

FILES = ("bundles.ndjson", "messages.mllp", "summary.json")


def test_write__gives_the_same_bytes_each_time(tmp_path: Path) -> None:
    for name in ("first", "second"):
        write_network(tmp_path / name, seed=3, count=25)

    for file in FILES:
        assert (tmp_path / "first" / file).read_bytes() == (tmp_path / "second" / file).read_bytes()


def test_write__gives_the_same_bytes_with_several_processes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_network(tmp_path / "one", seed=3, count=150)
    monkeypatch.setattr(write, "WORTH_A_PROCESS", 1)
    write_network(tmp_path / "several", seed=3, count=150)

    for file in FILES:
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "several" / file).read_bytes()


def test_write__begins_a_larger_network_with_the_smaller_one(tmp_path: Path) -> None:
    write_network(tmp_path / "small", seed=3, count=10)
    write_network(tmp_path / "large", seed=3, count=30)

    for file in FILES[:2]:
        small = (tmp_path / "small" / file).read_bytes()
        assert (tmp_path / "large" / file).read_bytes().startswith(small)


def test_write__frames_every_message(tmp_path: Path) -> None:
    write_network(tmp_path, seed=3, count=10)

    frames = (tmp_path / "messages.mllp").read_bytes().split(END)[:-1]

    assert frames
    assert all(frame.startswith(START + b"MSH|") for frame in frames)


def test_summary__counts_what_the_bundles_hold(tmp_path: Path) -> None:
    write_network(tmp_path, seed=3, count=40)
    bundles = [json.loads(line) for line in (tmp_path / "bundles.ndjson").read_bytes().splitlines()]
    resources = [entry["resource"] for bundle in bundles for entry in bundle["entry"]]
    summary = json.loads((tmp_path / "summary.json").read_text(encoding="utf-8"))

    for resource_type in ("Patient", "Condition", "Specimen", "DiagnosticReport"):
        found = sum(one["resourceType"] == resource_type for one in resources)
        assert summary["resources"][resource_type] == found
    assert sum(summary["morphology"].values()) == summary["resources"]["Condition"]
    assert sum(summary["reading_role"].values()) == summary["resources"]["DiagnosticReport"]
