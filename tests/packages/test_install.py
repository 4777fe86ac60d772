import tarfile
from pathlib import Path

import pytest

from fhir_server.definitions.installed import installed_layers, installed_packages
from fhir_server.definitions.packages import PackageError, network_definitions
from fhir_server.packages.build import build_package
from fhir_server.packages.install import install, remove
from fhir_server.packages.manifest import parse_need
from fhir_server.packages.registry import Registry, RegistryUnreachableError
from tests.free_ports import free_port
from tests.packages.registry import archive, bomb, served, tgz


def file(folder: Path, name: str, content: bytes) -> str:
    path = folder / name
    path.write_bytes(content)
    return str(path)


def installed(data_dir: Path) -> list[str]:
    return [f"{package.name}@{package.version}" for package in installed_packages(data_dir)]


def test_install__file_is_known_by_its_canonical(tmp_path: Path) -> None:
    install([file(tmp_path, "a.tgz", archive("a", "1.0.0"))], tmp_path, None)
    (layer,) = installed_layers(tmp_path)
    assert layer.find("ValueSet", "urn:a", "1.0.0") is not None
    assert layer.find("ValueSet", "urn:a", "2.0.0") is None
    assert layer.find("ValueSet", "urn:example", None) is None


def test_install__versions_stand_side_by_side_and_the_newest_is_the_default(tmp_path: Path) -> None:
    for version in ("1.10.0", "1.9.0", "2.0.0-ballot", "1.2.0"):
        install([file(tmp_path, "a.tgz", archive("a", version))], tmp_path, None)
    definitions = network_definitions(tmp_path)
    newest, exact = definitions.value_set("urn:a"), definitions.value_set("urn:a|1.9.0")
    assert newest is not None
    assert newest["version"] == "2.0.0-ballot"
    assert exact is not None
    assert exact["version"] == "1.9.0"
    assert installed(tmp_path) == ["a@2.0.0-ballot", "a@1.10.0", "a@1.9.0", "a@1.2.0"]


def test_install__folder(tmp_path: Path) -> None:
    folder = tmp_path / "own"
    folder.mkdir()
    file(folder, "package.json", b'{"name":"own","version":"1.0.0"}')
    file(folder, "vs.json", b'{"resourceType":"ValueSet","url":"urn:own"}')
    install([str(folder)], tmp_path, None)
    assert installed(tmp_path) == ["own@1.0.0"]


def test_install__needs_are_fetched_each_once_even_in_a_circle(tmp_path: Path) -> None:
    packages = {
        ("a", "1.0.0"): archive("a", "1.0.0", {"b": "2.x", "hl7.fhir.r4.core": "4.0.1"}),
        ("b", "2.0.0"): archive("b", "2.0.0"),
        ("b", "2.1.0"): archive("b", "2.1.0", {"c": "latest"}),
        ("b", "3.0.0"): archive("b", "3.0.0"),
        ("c", "1.0.0"): archive("c", "1.0.0", {"a": "1.0.0"}),
    }
    with served(packages) as url:
        install(["a@1.0.0"], tmp_path, Registry(url, timeout_s=120))
    assert installed(tmp_path) == ["a@1.0.0", "b@2.1.0", "c@1.0.0"]


def test_install__need_that_is_missing_installs_nothing(tmp_path: Path) -> None:
    source = file(tmp_path, "a.tgz", archive("a", "1.0.0", {"b": "1.0.0"}))
    with pytest.raises(PackageError, match=r"b@1\.0\.0"):
        install([source], tmp_path, None)
    assert installed(tmp_path) == []
    install([source], tmp_path, None, with_dependencies=False)
    assert installed(tmp_path) == ["a@1.0.0"]


def test_install__needs_are_met_by_what_is_named_beside(tmp_path: Path) -> None:
    sources = [
        file(tmp_path, "a.tgz", archive("a", "1.0.0", {"b": "1.0.0"})),
        file(tmp_path, "b.tgz", archive("b", "1.0.0")),
    ]
    install(sources, tmp_path, None)
    assert installed(tmp_path) == ["a@1.0.0", "b@1.0.0"]


def test_install__registry_that_is_not_there_is_named(tmp_path: Path) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    with pytest.raises(RegistryUnreachableError, match="cannot be reached"):
        install(["a@1.0.0"], tmp_path, Registry(url, timeout_s=120))


def test_install__archive_that_came_damaged_is_refused(tmp_path: Path) -> None:
    packages = {("a", "1.0.0"): archive("a", "1.0.0")}
    with served(packages, shasum="0" * 40) as url, pytest.raises(PackageError, match="damaged"):
        install(["a@1.0.0"], tmp_path, Registry(url, timeout_s=120))


def test_install__another_package_than_asked_for_is_refused(tmp_path: Path) -> None:
    packages = {("a", "1.0.0"): archive("b", "1.0.0")}
    with served(packages) as url, pytest.raises(PackageError, match="sent b"):
        install(["a@1.0.0"], tmp_path, Registry(url, timeout_s=120))


LINK = tarfile.TarInfo("package/a.json")
LINK.type = tarfile.SYMTYPE
LINK.linkname = "/etc/passwd"
MANIFEST = b'{"name":"a","version":"1.0.0"}'


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"no archive", "no package archive"),
        (archive("a", "1.0.0")[:200], "no package archive"),
        (tgz({"package/package.json": MANIFEST, "../out.json": b"{}"}), "leads out"),
        (tgz({"package/package.json": MANIFEST, "/out.json": b"{}"}), "leads out"),
        (tgz({"package/package.json": MANIFEST, "package/a.json": LINK}), "link"),
        (tgz({"package/a.json": b"{}"}), "no package/package.json"),
        (tgz({"package/package.json": b"["}), "package.json"),
        (archive("../out", "1.0.0"), "name"),
        (archive("a", "../1"), "version"),
        (archive("a", "1.0.0", fhirVersions=["5.0.0"]), "FHIR 5.0.0"),
    ],
)
def test_install__what_is_hostile_or_broken_is_refused(
    tmp_path: Path, content: bytes, reason: str
) -> None:
    with pytest.raises(PackageError, match=reason):
        install([file(tmp_path, "a.tgz", content)], tmp_path, None)
    assert installed(tmp_path) == []


def test_install__archive_that_unpacks_without_end_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PackageError, match="unpacks to more"):
        install([file(tmp_path, "a.tgz", bomb())], tmp_path, None)


def test_remove__takes_the_version_that_is_named(tmp_path: Path) -> None:
    for version in ("1.0.0", "2.0.0"):
        install([file(tmp_path, "a.tgz", archive("a", version))], tmp_path, None)
    with pytest.raises(PackageError, match="say which"):
        remove(parse_need("a"), tmp_path)
    assert remove(parse_need("a@1.0.0"), tmp_path) == ["a@1.0.0"]
    assert installed(tmp_path) == ["a@2.0.0"]


def test_remove__package_that_is_needed_stays(tmp_path: Path) -> None:
    sources = [
        file(tmp_path, "a.tgz", archive("a", "1.0.0", {"b": "1.0.0"})),
        file(tmp_path, "b.tgz", archive("b", "1.0.0")),
    ]
    install(sources, tmp_path, None)
    with pytest.raises(PackageError, match="needs b"):
        remove(parse_need("b"), tmp_path)


def test_build__networks_package_installs_and_has_the_same_bytes(tmp_path: Path) -> None:
    network = Path(__file__).parents[2] / "profiles"
    manifest, built = build_package(network)
    assert build_package(network)[1] == built
    install([file(tmp_path, "own.tgz", built)], tmp_path, None)
    (layer,) = installed_layers(tmp_path)
    systems = [layer.find("CodeSystem", "http://terminology.hl7.org/CodeSystem/icd-o-3", version)
               for version in ("3.1", "3.2")]  # fmt: skip
    assert [system["version"] for system in systems if system] == ["3.1", "3.2"]
    assert manifest.name == "osteon.bone-sarcoma"


def test_build__examples_stand_in_their_folder(tmp_path: Path) -> None:
    _, built = build_package(Path(__file__).parents[2] / "profiles")
    path = file(tmp_path, "own.tgz", built)
    with tarfile.open(path) as packed:
        names = packed.getnames()
    assert names[0] == "package/package.json"
    assert "package/example/.index.json" in names
    assert "package/StructureDefinition-primary-bone-tumour.json" in names


def test_install__questionnaires_and_guides_are_kept(tmp_path: Path) -> None:
    folder = tmp_path / "own"
    folder.mkdir()
    file(folder, "package.json", b'{"name":"own","version":"1.0.0"}')
    file(folder, "q.json", b'{"resourceType":"Questionnaire","url":"urn:q","status":"draft"}')
    file(folder, "ig.json", b'{"resourceType":"ImplementationGuide","url":"urn:ig"}')
    install([str(folder)], tmp_path, None)
    definitions = network_definitions(tmp_path)
    assert definitions.find("Questionnaire", "urn:q") is not None
    assert [guide["url"] for guide in definitions.all("ImplementationGuide")] == ["urn:ig"]
