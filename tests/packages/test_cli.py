from pathlib import Path

import pytest

from fhir_server.cli.main import run
from tests.packages.registry import archive, served

HOSPITAL = "code,display,parent,designation:fr,status,region\n"


@pytest.fixture(autouse=True)
def data_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("OSTEON_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "data"


def test_package__own_package_is_built_installed_listed_and_removed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(["package", "build"]) == 0
    assert run(["package", "install", "osteon.bone-sarcoma-0.1.0.tgz"]) == 0
    assert run(["package", "list"]) == 0
    assert "osteon.bone-sarcoma@0.1.0  " in capsys.readouterr().out
    assert run(["package", "remove", "osteon.bone-sarcoma"]) == 0


def test_package__registry_is_a_setting(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["package", "install", "a@1.0.0"]) == 1
    assert "OSTEON_PACKAGE_REGISTRY" in capsys.readouterr().err
    with served({("a", "1.0.0"): archive("a", "1.0.0")}) as url:
        monkeypatch.setenv("OSTEON_PACKAGE_REGISTRY", url)
        assert run(["package", "install", "a@1.0.0"]) == 0
    assert run(["package", "install", "b@1.0.0"]) == 3
    assert capsys.readouterr().err.count("\n") == 1


def test_package__is_known_to_validate(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "codes.csv").write_text(HOSPITAL + "h1,North,,Nord,,1\n", encoding="utf-8")
    resource = tmp_path / "observation.json"
    resource.write_text(
        '{"resourceType":"Observation","status":"final","code":{"coding":'
        '[{"system":"https://example.org/hospital","code":"h2"}]}}'
    )
    asked = ["--system", "https://example.org/hospital", "--version", "1"]
    assert run(["terminology", "import", "codes.csv", *asked]) == 0
    run(["validate", "--format", "json", str(resource)])
    assert "coding-unknown-code" in capsys.readouterr().out
    assert run(["terminology", "list"]) == 0
    assert "CodeSystem https://example.org/hospital|1" in capsys.readouterr().out
    assert run(["terminology", "remove", "https://example.org/hospital"]) == 0
    assert run(["terminology", "remove", "https://example.org/hospital"]) == 1
