import io
import tarfile
from pathlib import Path

import pytest

from fhir_server.definitions.packages import PackageError, network_definitions, read_conformance

VALUE_SET = b'{"resourceType":"ValueSet","url":"urn:test:vs"}'


def archive(path: Path, members: dict[str, bytes]) -> Path:
    with tarfile.open(path, mode="w:gz") as file:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            file.addfile(member, io.BytesIO(content))
    return path


def test_read_conformance__archive_gives_what_stands_in_its_package_folder(tmp_path: Path) -> None:
    members = {
        "package/package.json": b"{}",
        "package/ValueSet-a.json": VALUE_SET,
        "package/example/ValueSet-b.json": VALUE_SET,
    }
    assert len(read_conformance(archive(tmp_path / "p.tgz", members))) == 1


def test_read_conformance__folder_leaves_examples_out(tmp_path: Path) -> None:
    (tmp_path / "examples").mkdir()
    (tmp_path / "examples" / "a.json").write_bytes(VALUE_SET)
    (tmp_path / "b.json").write_bytes(VALUE_SET)
    assert len(read_conformance(tmp_path)) == 1


def test_read_conformance__bundle_gives_its_entries(tmp_path: Path) -> None:
    bundle = b'{"resourceType":"Bundle","entry":[{"resource":' + VALUE_SET + b"}]}"
    (tmp_path / "b.json").write_bytes(bundle)
    assert read_conformance(tmp_path / "b.json")[0]["url"] == "urn:test:vs"


@pytest.mark.parametrize("content", [b"{", b"[]", b'{"resourceType":"Patient"}'])
def test_read_conformance__what_is_no_definition_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "b.json").write_bytes(content)
    with pytest.raises(PackageError, match=r"b\.json"):
        read_conformance(tmp_path / "b.json")


@pytest.mark.parametrize("name", ["none.json", "none.tgz"])
def test_read_conformance__missing_path_is_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(PackageError, match="none"):
        read_conformance(tmp_path / name)


def test_network_definitions__know_the_networks_profiles() -> None:
    base = "https://osteon.example/fhir/StructureDefinition/"
    assert network_definitions().structure(base + "primary-bone-tumour") is not None


def test_read_conformance__type_that_is_no_text_defines_nothing(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(b'{"resourceType":["ValueSet"]}')
    with pytest.raises(PackageError, match="holds no conformance resource"):
        read_conformance(tmp_path / "a.json")
