"""The walk that the silent checks lead finds what the thorough walk finds: every issue, in the same order."""

import gzip
import json
from functools import cache

import pytest

from fhir_server.definitions import core_definitions
from fhir_server.definitions.packages import network_definitions, network_package
from fhir_server.fhirpath import regex
from fhir_server.model.json_source import parse_json
from fhir_server.validation import Validator
from tests.validation.conformance import FOLDER, has
from tests.validation.mutants import mutants
from tests.validation.suite import run, runs

LED, THOROUGH = Validator(core_definitions()), Validator(core_definitions(), thorough=True)
BATCHES = 20
MOST_BYTES = 20_000
"""Larger examples are not broken: their thorough walk takes too long for a test."""


@pytest.fixture(autouse=True)
def _patient_patterns(monkeypatch: pytest.MonkeyPatch) -> None:
    """Regular expressions may take as long as they need: the machine may be busy with something else."""
    monkeypatch.setattr(regex, "TIMEOUT_S", 60.0)
    monkeypatch.setattr(regex, "BUDGET_S", 600.0)


@cache
def _examples() -> list[tuple[str, bytes]]:
    if not has("r4-examples"):
        return []
    with gzip.open(FOLDER / "r4-examples" / "instances.ndjson.gz", "rt", encoding="utf-8") as lines:
        return [(entry["file"], entry["json"].encode()) for entry in map(json.loads, lines)]


@pytest.mark.parametrize("batch", range(BATCHES))
def test_examples__walk_led_by_silent_checks_finds_the_same(batch: int) -> None:
    for file, source in _examples()[batch::BATCHES]:
        resource = parse_json(source)
        assert LED.validate(resource) == THOROUGH.validate(resource), file


@pytest.mark.parametrize("batch", range(BATCHES))
def test_broken_examples__walk_led_by_silent_checks_finds_the_same(batch: int) -> None:
    for file, source in _examples()[batch::BATCHES]:
        if len(source) > MOST_BYTES:
            continue
        for mutant in mutants(parse_json(source), 1, file):
            assert LED.validate(mutant) == THOROUGH.validate(mutant), (file, mutant)


@pytest.mark.parametrize("name", list(runs()))
def test_suite__walk_led_by_silent_checks_finds_the_same(name: str) -> None:
    assert run(runs()[name]) == run(runs()[name], thorough=True)


def test_network_examples__walk_led_by_silent_checks_finds_the_same() -> None:
    definitions = network_definitions()
    led, thorough = Validator(definitions), Validator(definitions, thorough=True)
    for path in sorted((network_package() / "examples").rglob("*.json")):
        resource = parse_json(path.read_bytes())
        assert led.validate(resource) == thorough.validate(resource), path.name
        for mutant in mutants(resource, 1, path.name):
            assert led.validate(mutant) == thorough.validate(mutant), (path.name, mutant)
