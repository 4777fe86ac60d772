from pathlib import Path

import pytest

from fhir_server.definitions import core_definitions
from fhir_server.validation import Validator, sources
from fhir_server.validation.sources import Record, Result, input_files, records, validate_record


def _files(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text('{"resourceType":"Patient"}')


def test_input_files__folder_gives_what_can_be_validated_in_order(tmp_path: Path) -> None:
    _files(tmp_path, "b.json", "a/c.xml", "a/d.ndjson", "e.txt", "package.json", ".git/x.json")
    found = [path.relative_to(tmp_path).as_posix() for path in input_files([tmp_path])]
    assert found == ["a/c.xml", "a/d.ndjson", "b.json"]


def test_input_files__file_is_taken_whatever_its_name(tmp_path: Path) -> None:
    _files(tmp_path, "e.txt")
    assert list(input_files([tmp_path / "e.txt"])) == [tmp_path / "e.txt"]


def _ids(path: Path) -> list[str]:
    return [
        one.issues[0].id if isinstance(one, Result) else str(one.first_line)
        for one in records(path)
    ]


def test_records__what_is_too_large_is_refused_and_the_next_line_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "MAX_RECORD_BYTES", 40)
    path = tmp_path / "p.ndjson"
    path.write_bytes(b'{"a":1}\n' + b"x" * 200 + b'\n{"a":2}\n' + b"y" * 100)
    assert _ids(path) == ["1", "input-too-large", "3", "input-too-large"]
    whole = tmp_path / "p.json"
    whole.write_bytes(b"x" * 41)
    assert _ids(whole) == ["input-too-large"]


def test_records__line_of_the_largest_size_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "MAX_RECORD_BYTES", 8)
    path = tmp_path / "p.ndjson"
    path.write_bytes(b'{"a":10}\n{"a":2}\n')
    found = [one.source for one in records(path) if isinstance(one, Record)]
    assert found == [b'{"a":10}', b'{"a":2}']


def test_records__file_that_cannot_be_opened_says_why(tmp_path: Path) -> None:
    (tmp_path / "p.json").symlink_to(tmp_path / "p.json")
    assert _ids(tmp_path / "p.json") == ["input-unreadable"]


def test_records__empty_folder_says_so(tmp_path: Path) -> None:
    assert _ids(tmp_path) == ["input-folder"]


def test_records__name_that_is_too_long_says_so(tmp_path: Path) -> None:
    path = tmp_path / ("a" * 300 + ".json")
    assert list(input_files([path])) == [path]
    assert _ids(path) == ["input-unreadable"]


@pytest.mark.parametrize(
    ("name", "text", "issue_id"),
    [
        ("a.xml", "", "xml-syntax"),
        ("a.xml", "Patient", "xml-syntax"),
        ("a.xml", "[", "json-syntax"),
        ("a.json", "<", "xml-syntax"),
        ("a.json", "", "json-syntax"),
    ],
)
def test_validate_record__format_is_told_by_the_text_then_by_the_name(
    tmp_path: Path, name: str, text: str, issue_id: str
) -> None:
    (tmp_path / name).write_text(text)
    (record,) = records(tmp_path / name)
    assert isinstance(record, Record)
    found = validate_record(record, Validator(core_definitions()), ())
    assert [issue.id for issue in found.issues] == [issue_id]


def test_validate_record__text_in_utf_16_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('{"resourceType":"Patient"}', encoding="utf-16")
    (record,) = records(tmp_path / "a.json")
    assert isinstance(record, Record)
    (issue,) = validate_record(record, Validator(core_definitions()), ()).issues
    assert "UTF-8" in issue.text("en")
    assert (issue.line, issue.column) == (1, 1)
