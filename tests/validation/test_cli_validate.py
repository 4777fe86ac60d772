"""`osteon validate`: what it prints and how it ends."""

import io
import json
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import pytest

from fhir_server.cli.main import run
from fhir_server.cli.validate import _with_progress
from fhir_server.model.json_source import encode_json

PROFILE = {
    "resourceType": "StructureDefinition", "url": "http://example.org/named", "name": "Named",
    "status": "draft", "kind": "resource", "abstract": False, "type": "Patient",
    "baseDefinition": "http://hl7.org/fhir/StructureDefinition/Patient", "derivation": "constraint",
    "differential": {"element": [{"id": "Patient.name", "path": "Patient.name", "min": 1}]},
}  # fmt: skip


def _file(folder: Path, name: str, content: str | bytes) -> str:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return str(path)


def _json(capfd: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, list[dict[str, Any]]]:
    code = run(["validate", "--format", "json", *arguments])
    rows: list[dict[str, Any]] = json.loads(capfd.readouterr().out)
    return code, rows


def test_validate__valid_resource_ends_with_0(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    code, rows = _json(capfd, _file(tmp_path, "p.json", '{"resourceType":"Patient"}'))
    assert (code, rows[0]["valid"]) == (0, True)


def test_validate__fault_has_line_and_column(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    code, rows = _json(
        capfd, _file(tmp_path, "p.json", '{"resourceType":"Patient",\n "gender":"x"}')
    )
    issue = next(i for i in rows[0]["issues"] if i["severity"] == "error")
    assert code == 1
    assert (issue["id"], issue["line"], issue["column"]) == ("binding-required", 2, 2)
    assert set(issue) >= {
        "id",
        "severity",
        "code",
        "expression",
        "line",
        "column",
        "profile",
        "text",
    }


@pytest.mark.parametrize(
    ("content", "issue_id"),
    [("{", "json-syntax"), ('{"resourceType":"Patient","id":"a","id":"b"}', "json-duplicate-key"),
     ("[]", "json-not-a-resource"), ("", "json-syntax"), ("<a/>", "xml-namespace"), ("<", "xml-syntax")],
)  # fmt: skip
def test_validate__broken_source_is_an_issue(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], content: str, issue_id: str
) -> None:
    code, rows = _json(capfd, _file(tmp_path, "p.json", content))
    assert (code, rows[0]["issues"][0]["id"]) == (1, issue_id)


def test_validate__text_that_cannot_be_read_is_fatal(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    code, rows = _json(capfd, _file(tmp_path, "p.json", '{"resourceType": "Patient",,}'))
    assert (code, rows[0]["valid"], rows[0]["issues"][0]["severity"]) == (1, False, "fatal")


def test_validate__missing_file_and_folder_are_issues(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    code, rows = _json(capfd, str(tmp_path / "none.json"), str(tmp_path))
    assert code == 1
    assert [row["issues"][0]["id"] for row in rows] == ["input-missing", "input-folder"]


def test_validate__ndjson_has_one_result_a_line(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    lines = '{"resourceType":"Patient"}\n\n{"resourceType":"Patient","active":1}\n'
    path = _file(tmp_path, "p.ndjson", lines)
    code, rows = _json(capfd, path)
    assert code == 1
    assert [(row["file"], row["valid"]) for row in rows] == [
        (f"{path}:1", True),
        (f"{path}:3", False),
    ]
    assert rows[1]["issues"][0]["line"] == 3


def test_validate__xml_is_read_too(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    source = '<Patient xmlns="http://hl7.org/fhir"><active value="true"/></Patient>'
    code, rows = _json(capfd, _file(tmp_path, "p.xml", source))
    assert (code, rows[0]["valid"]) == (0, True)


def _package(folder: Path) -> str:
    path = folder / "package.tgz"
    with tarfile.open(path, "w:gz") as archive:
        content = encode_json(PROFILE)
        member = tarfile.TarInfo("package/StructureDefinition-named.json")
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))
    return str(path)


def test_validate__differential_only_profile_is_loaded(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    patient = _file(tmp_path, "p.json", '{"resourceType":"Patient"}')
    for load in (_file(tmp_path, "named.json", encode_json(PROFILE)), _package(tmp_path)):
        code, rows = _json(capfd, patient, "--load", load, "--profile", "http://example.org/named")
        errors = [i for i in rows[0]["issues"] if i["severity"] == "error"]
        assert code == 1
        assert [(i["id"], i["profile"]) for i in errors] == [("cardinality-min", PROFILE["url"])]


def test_validate__french_texts(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    run(
        [
            "validate",
            "--lang",
            "fr",
            _file(tmp_path, "p.json", '{"resourceType":"Patient","gender":"x"}'),
        ]
    )
    assert "jeu de valeurs requis" in capfd.readouterr().out


@pytest.mark.parametrize("arguments", [[], ["--nothing", "x"], ["--load", "/nowhere", "x"]])
def test_validate__wrong_use_ends_with_2(arguments: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "fhir_server.cli.main", "validate", *arguments],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("content", "fail_on", "code"),
    [('{"resourceType":"Patient"}', "warning", 1), ('{"resourceType":"Patient"}', "error", 0),
     ('{"resourceType":"Patient","gender":"x"}', "error", 1)],
)  # fmt: skip
def test_validate__exit_code_follows_the_worst_severity(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], content: str, fail_on: str, code: int
) -> None:
    # A Patient without narrative breaks dom-6, a best practice and hence a warning.
    found, _ = _json(capfd, _file(tmp_path, "p.json", content), "--fail-on", fail_on)
    assert found == code


@pytest.mark.parametrize("name", ["text", "json", "junit", "sarif", "html"])
def test_validate__every_format_reports_a_folder(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], name: str
) -> None:
    _file(tmp_path, "a.json", '{"resourceType":"Patient"}')
    _file(tmp_path, "b.xml", '<Patient xmlns="http://hl7.org/fhir"><gender value="x"/></Patient>')
    assert run(["validate", "--format", name, str(tmp_path)]) == 1
    assert "b.xml" in capfd.readouterr().out


def test_validate__name_that_is_too_long_is_an_input_at_fault(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    good = _file(tmp_path, "p.json", '{"resourceType":"Patient"}')
    code, rows = _json(capfd, str(tmp_path / ("a" * 300 + ".json")), good)
    assert (code, [row["valid"] for row in rows]) == (1, [False, True])


def test_validate__load_that_cannot_be_read_is_a_wrong_command(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    good = _file(tmp_path, "p.json", '{"resourceType":"Patient"}')
    assert run(["validate", good, "--load", str(tmp_path / ("a" * 300))]) == 2
    (tmp_path / "loaded").mkdir()
    (tmp_path / "loaded" / "nowhere.json").symlink_to(tmp_path / "nothing.json")
    assert run(["validate", good, "--load", str(tmp_path / "loaded")]) == 2
    assert "nowhere.json" in capfd.readouterr().err


def test_validate__more_jobs_than_cores_can_serve_are_not_started() -> None:
    from fhir_server.cli.validate import _processes

    assert _processes(3, 0) == 3
    assert _processes(100_000, 0) < 100_000


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def _shown_for(
    folder: Path, count: int, screen: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> str:
    for number in range(count):
        (folder / f"{number}.json").write_text('{"resourceType": "Basic"}')
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys, "stderr", screen)
    files = sorted(folder.iterdir())
    assert len(list(_with_progress(files, sum(path.stat().st_size for path in files)))) == count
    return screen.getvalue()


def test_validate__many_small_files_have_a_bar_on_a_terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "validate 120 files" in _shown_for(tmp_path, 120, Terminal(), monkeypatch)


def test_validate__no_bar_for_few_files_or_without_a_terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert _shown_for(tmp_path, 5, Terminal(), monkeypatch) == ""
    assert _shown_for(tmp_path, 120, io.StringIO(), monkeypatch) == ""


PEAK = """
import resource, sys
from fhir_server.cli.main import run
from fhir_server.cli.validate import _with_progress
ended = run(["validate", "--jobs", "1", "--format", "json", sys.argv[1]])
sys.stderr.write(f"{ended} {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss}")
"""


def _peak_kib(path: Path, lines: int) -> int:
    line = json.dumps(
        {"resourceType": "Binary", "contentType": "text/plain", "data": "QUJD" * 25_000}
    )
    with path.open("w") as file:
        for _ in range(lines):
            file.write(line + "\n")
    ended = subprocess.run(
        [sys.executable, "-c", PEAK, str(path)], capture_output=True, text=True, check=True
    )
    path.unlink()
    code, peak = ended.stderr.split()
    assert code == "0"
    return int(peak)


def test_validate__ndjson_of_ten_times_the_length_needs_the_memory_of_one(tmp_path: Path) -> None:
    short, long = (_peak_kib(tmp_path / "p.ndjson", lines) for lines in (80, 800))
    assert long <= 1.3 * short
