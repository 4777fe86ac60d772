"""The network's own examples: valid ones have no error, each invalid one the error it was made for."""

import csv
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from fhir_server.definitions.packages import network_definitions, network_package
from fhir_server.model.issues import Issue
from fhir_server.model.json_source import parse_json
from fhir_server.validation import Validator, json_path

EXAMPLES = network_package() / "examples"
VALIDATOR = Validator(network_definitions())
SAME_RULE = {
    "cardinality-min": {"cardinality-min", "slice-min"},
    "cardinality-max": {"cardinality-max", "slice-max", "cardinality-forbidden"},
    "pattern": {"pattern-value"},
    "fixed": {"fixed-value"},
    "binding": {"binding-required"},
    "value": {"primitive-form"},
}


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
    if issue.severity != row["severity"]:
        return False
    rules = SAME_RULE.get(row["rule"], {row["rule"]})
    if issue.id not in rules and issue.parameters.get("key") != row["rule"]:
        return False
    # A missing element is placed at what should have it; the table names the element itself.
    wanted, found = _names(row["expression"]), _names(issue.expression)
    return found in {wanted, wanted[:-1]}


def _names(expression: str) -> tuple[str, ...]:
    return tuple(step for step in json_path(expression) if isinstance(step, str))
