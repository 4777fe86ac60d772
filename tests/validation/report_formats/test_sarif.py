"""The rules of SARIF 2.1.0, each with its paragraph, that the document must keep."""

import json
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.validation.report_formats.conftest import Write


@pytest.fixture
def log(write: Write) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(write("sarif"))
    return found


def test_sarif__log_has_version_schema_and_runs(log: dict[str, Any]) -> None:
    assert set(log) == {"$schema", "version", "runs"}  # §3.13
    assert log["version"] == "2.1.0"
    assert urlsplit(log["$schema"]).scheme == "https"


def test_sarif__run_has_its_tool_and_results(log: dict[str, Any]) -> None:
    (run,) = log["runs"]
    assert set(run) == {"tool", "results", "columnKind", "language"}  # §3.14
    assert run["columnKind"] in {"utf16CodeUnits", "unicodeCodePoints"}
    assert run["tool"]["driver"]["name"]  # §3.19.8


def test_sarif__rules_are_distinct_and_described(log: dict[str, Any]) -> None:
    rules = log["runs"][0]["tool"]["driver"]["rules"]
    ids = [rule["id"] for rule in rules]
    assert len(ids) == len(set(ids))  # §3.19.23: array elements are unique
    assert {result["ruleId"] for result in log["runs"][0]["results"]} == set(ids)
    for rule in rules:
        assert rule["shortDescription"]["text"]  # §3.49.9
        assert rule["defaultConfiguration"]["level"] in {"none", "note", "warning", "error"}


def test_sarif__results_have_message_level_and_place(log: dict[str, Any]) -> None:
    for result in log["runs"][0]["results"]:
        assert result["message"]["text"]  # §3.27.11
        assert result["level"] in {"none", "note", "warning", "error"}  # §3.27.10
        (location,) = result["locations"]
        uri = location["physicalLocation"]["artifactLocation"]["uri"]
        assert " " not in uri  # §3.4.3: a URI reference, RFC 3986
        region = location["physicalLocation"].get("region", {"startLine": 1, "startColumn": 1})
        assert region["startLine"] >= 1  # §3.30.5
        assert region["startColumn"] >= 1  # §3.30.6


def test_sarif__record_of_a_line_points_into_its_file(log: dict[str, Any]) -> None:
    result = log["runs"][0]["results"][0]
    assert result["properties"]["record"] == "in/b c.ndjson:1"
    place = result["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "in/b%20c.ndjson"
    assert place["region"] == {"startLine": 2, "startColumn": 7}


def test_sarif__nothing_is_a_run_without_results(write: Write) -> None:
    run = json.loads(write("sarif", results=()))["runs"][0]
    assert run["results"] == []
    assert run["tool"]["driver"]["rules"] == []
