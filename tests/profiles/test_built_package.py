"""The package as others get it: built, installed into an empty data directory, and used alone."""

from pathlib import Path

import pytest

from fhir_server.cli.main import run
from fhir_server.definitions import core_definitions
from fhir_server.definitions.installed import installed_layers
from fhir_server.validation.validator import Validator
from tests.profiles.network import example, example_id, example_paths, expected_findings
from tests.profiles.test_examples import counts, finding


def test_built_package__gives_each_example_its_declared_issues(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Only what the archive brings is known, nothing of the folder that it was built from."""
    monkeypatch.setenv("OSTEON_DATA_DIR", str(tmp_path / "data"))
    archive = tmp_path / "network.tgz"
    assert run(["package", "build", f"--to={archive}"]) == 0, capsys.readouterr().err
    assert run(["package", "install", "--no-dependencies", str(archive)]) == 0
    validator = Validator(core_definitions().behind([], installed_layers(tmp_path / "data")))

    differing = [
        example_id(path)
        for path in (*example_paths("valid"), *example_paths("invalid"))
        if sorted(finding(each) for each in validator.validate(example(path)) if counts(each))
        != sorted(expected_findings().get(example_id(path), []))
    ]

    assert differing == []
