"""Reasons of the maps in French, as `--explain` and the onboarding report tell them."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from typer.testing import CliRunner

from ingest.cli import app
from ingest.mapping.library import mappings_folder
from ingest.mapping.wording import french_reasons, reason_text
from ingest.mapping.yaml_source import load_section
from tests.ingest.mapping.conftest import MESSAGES


def reasons(value: Any) -> Iterator[str]:
    """The texts of all `keep` and `reject` in a map."""
    if isinstance(value, dict):
        yield from (value[key] for key in ("keep", "reject") if isinstance(value.get(key), str))
        for part in value.values():
            yield from reasons(part)
    if isinstance(value, list):
        for part in value:
            yield from reasons(part)


def test_reasons__of_the_maps_are_those_that_have_a_french_text() -> None:
    root = mappings_folder()
    files = [*root.glob("segments/*.yaml"), *root.glob("datatypes/*.yaml")]
    given = {reason for file in files for reason in reasons(load_section(file, root))}
    assert given == set(french_reasons())
    assert all(french.strip() and french != reason for reason, french in french_reasons().items())


@pytest.mark.parametrize(
    ("reason", "french"),
    [
        ("lunar date", "date lunaire"),
        ("table 0123 has no line for this code", "la table 0123 n’a pas de ligne pour ce code"),
        (
            "incomplete: no code for Specimen[1].type",
            "incomplet : pas de code pour Specimen[1].type",
        ),
        ("no-time-of-day", "il n’a pas d’heure"),
        ("numéro d'étude du centre", "numéro d'étude du centre"),
    ],
)
def test_reason__is_told_in_french(reason: str, french: str) -> None:
    assert reason_text(reason, "fr") == french


@pytest.mark.parametrize("name", ["adt_a01_pam_fr", "oru_r01_synoptic"])
def test_explain__in_french_gives_no_reason_in_english(name: str) -> None:
    told = {}
    for language in ("en", "fr"):
        given = ["map", "--explain", "--lang", language, "--format", "json"]
        result = CliRunner().invoke(app, [*given, str(MESSAGES / f"{name}.hl7")])
        fates = json.loads(result.stdout)["fates"]
        told[language] = {fate["reason"] for fate in fates if fate["reason"]}
    assert told["en"]
    assert not told["en"] & told["fr"]
