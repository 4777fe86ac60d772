from pathlib import Path

import pytest

from fhir_server.definitions.packages import PackageError, network_definitions
from fhir_server.interactions.terminology_capabilities import described_code_systems
from fhir_server.terminology import Terminology
from fhir_server.terminology.csv_source import CsvHead
from fhir_server.terminology.imports import import_terminology

HEAD = CsvHead("urn:x:bones", "1", "Bones")


def loaded(tmp_path: Path, text: str, name: str = "bones.csv", head: CsvHead = HEAD) -> list[str]:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return list(import_terminology(path, tmp_path / "data", head))


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_import__csv_gives_hierarchy_names_and_properties(tmp_path: Path, separator: str) -> None:
    lines = [
        ["code", "display", "parent", "designation:fr", "abstract", "kind"],
        ["limb", "Limb", "", "Membre", "true", ""],
        ["femur", "Femur", "limb", "Fémur", "", "long"],
    ]
    said = loaded(tmp_path, "\n".join(separator.join(line) for line in lines))
    assert said == ["CodeSystem urn:x:bones|1 loaded: 2 codes"]
    system = Terminology(network_definitions(tmp_path / "data")).code_system("urn:x:bones|1")
    assert system is not None
    assert system.descendants("limb") == {"femur"}
    assert system.concepts["femur"].designations_by_language == {"fr": "Fémur"}
    assert system.concepts["femur"].properties["kind"] == ("long",)
    assert system.is_abstract("limb")


def test_import__fhir_files_are_loaded(tmp_path: Path) -> None:
    bundle = """{"resourceType":"Bundle","entry":[
        {"resource":{"resourceType":"ValueSet","url":"urn:x:vs"}},
        {"resource":{"resourceType":"ConceptMap","url":"urn:x:cm","version":"2"}}]}"""
    said = loaded(tmp_path, bundle, "bundle.json")
    assert said == ["ValueSet urn:x:vs loaded", "ConceptMap urn:x:cm|2 loaded"]


def test_import__versions_stand_side_by_side(tmp_path: Path) -> None:
    loaded(tmp_path, "code\na\n")
    loaded(tmp_path, "code\nb\n", head=CsvHead("urn:x:bones", "2"))
    described = described_code_systems(network_definitions(tmp_path / "data"))
    (bones,) = [one for one in described if one["uri"] == "urn:x:bones"]
    assert [(each["code"], each["isDefault"]) for each in bones["version"]] == [
        ("2", True),
        ("1", False),
    ]


def test_import__second_time_replaces(tmp_path: Path) -> None:
    loaded(tmp_path, "code\na\n")
    loaded(tmp_path, "code\nb\n")
    system = Terminology(network_definitions(tmp_path / "data")).code_system("urn:x:bones")
    assert system is not None
    assert system.codes == {"b"}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "name the columns"),
        ("display\nx\n", "name the columns"),
        ("code,code\na,b\n", "columns"),
        ("code\n", "no code"),
        ("code,display\n,x\n", "line 2: no code"),
        ("code\na\na\n", "line 3: the code a stands twice"),
        ("code\na,b\n", "more values than columns"),
        ("code,parent\na,b\n", "not there"),
        ("code,parent\na,b\nb,a\n", "circle"),
        ("code\n" + "x" * 20_000, "cannot be read"),
    ],
)
def test_import__csv_that_cannot_be_used_is_refused(tmp_path: Path, text: str, reason: str) -> None:
    with pytest.raises(PackageError, match=reason):
        loaded(tmp_path, text)
    assert not (tmp_path / "data").exists()


def test_import__csv_without_system_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PackageError, match="--system"):
        loaded(tmp_path, "code\na\n", head=CsvHead(None))


def test_import__hierarchy_in_a_circle_is_refused(tmp_path: Path) -> None:
    text = """{"resourceType":"CodeSystem","url":"urn:x:loop","content":"complete","concept":[
        {"code":"a","property":[{"code":"parent","valueCode":"b"}]},
        {"code":"b","property":[{"code":"parent","valueCode":"a"}]}]}"""
    with pytest.raises(PackageError, match="circle"):
        loaded(tmp_path, text, "loop.json")


def test_import__csv_that_is_too_large_is_refused_before_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "large.csv"
    with path.open("wb") as file:
        file.truncate(2**31)

    def read(*_: object, **__: object) -> str:
        raise AssertionError("it is read")

    for name in ("open", "read_bytes", "read_text"):
        monkeypatch.setattr(Path, name, read)
    with pytest.raises(PackageError, match="larger"):
        list(import_terminology(path, tmp_path / "data", HEAD))
