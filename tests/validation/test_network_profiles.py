"""The network's own examples: valid ones have no error, each invalid one the error it was made for."""

import csv
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from fhir_server.definitions.packages import network_definitions, network_package
from fhir_server.model.issues import Issue
from fhir_server.model.json_source import parse_json
from fhir_server.validation import Validator

EXAMPLES = network_package() / "examples"
VALIDATOR = Validator(network_definitions())


@cache
def _expected() -> dict[str, list[dict[str, str]]]:
    expected: dict[str, list[dict[str, str]]] = {}
    with (EXAMPLES / "expected.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            expected.setdefault(row["file"], []).append(row)
    return expected


def _read(path: Path) -> dict[str, Any]:
    resource: dict[str, Any] = parse_json(path.read_bytes())
    return resource


@pytest.mark.parametrize("path", sorted((EXAMPLES / "valid").glob("*.json")), ids=lambda p: p.stem)
def test_valid_example__has_no_error(path: Path) -> None:
    resource = _read(path)
    errors = [(i.id, i.expression) for i in VALIDATOR.validate(resource) if i.severity == "error"]
    assert errors == []
    assert VALIDATOR.accepts(resource)


@pytest.mark.parametrize("file", sorted(_expected()))
def test_invalid_example__has_the_error_it_was_made_for(file: str) -> None:
    resource = _read(EXAMPLES / file)
    issues = VALIDATOR.validate(resource)
    for row in _expected()[file]:
        assert any(_is(row, issue) for issue in issues), row
    if any(row["severity"] == "error" for row in _expected()[file]):
        assert not VALIDATOR.accepts(resource)


def _is(row: dict[str, str], issue: Issue) -> bool:
    return (
        issue.severity == row["severity"]
        and issue.id == row["id"]
        and row["rule"] in {"", issue.parameters.get("key")}
        and issue.expression == row["expression"]
    )
