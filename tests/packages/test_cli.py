from pathlib import Path

import pytest

from fhir_server.cli.main import run
from fhir_server.definitions.packages import network_definitions, read_conformance
from fhir_server.validation import Validator
from tests.free_ports import free_port
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
    monkeypatch.setenv("OSTEON_PACKAGE_REGISTRY", f"http://127.0.0.1:{free_port()}")
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


def test_build__profiles_have_snapshots_without_fault(tmp_path: Path) -> None:
    assert run(["package", "build"]) == 0
    validator = Validator(network_definitions())
    structures = [
        resource
        for resource in read_conformance(tmp_path / "osteon.bone-sarcoma-0.1.0.tgz")
        if resource["resourceType"] == "StructureDefinition"
    ]
    assert structures
    for structure in structures:
        assert structure["snapshot"]["element"][0]["path"] == structure["type"]
        errors = [i for i in validator.validate(structure) if i.severity == "error"]
        assert errors == []


def test_build__without_snapshots(tmp_path: Path) -> None:
    assert run(["package", "build", "--no-snapshots"]) == 0
    resources = read_conformance(tmp_path / "osteon.bone-sarcoma-0.1.0.tgz")
    assert not any("snapshot" in resource for resource in resources)


def test_build__profile_without_base_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "own"
    folder.mkdir()
    (folder / "package.json").write_text('{"name":"own","version":"1.0.0"}')
    (folder / "p.json").write_text(
        '{"resourceType":"StructureDefinition","id":"p","url":"urn:p","kind":"resource","type":"Patient",'
        '"derivation":"constraint","baseDefinition":"urn:none",'
        '"differential":{"element":[{"id":"Patient","path":"Patient"}]}}'
    )
    assert run(["package", "build", "--from", str(folder)]) == 1
    assert "urn:none" in capsys.readouterr().err
