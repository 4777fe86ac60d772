import json

from tests.validation.report_formats.conftest import RESULTS, Write


def test_json__is_one_list_of_records(write: Write) -> None:
    rows = json.loads(write("json"))
    assert [(row["file"], row["valid"]) for row in rows] == [(r.file, r.is_valid) for r in RESULTS]


def test_json__slices_stand_as_rows(write: Write) -> None:
    issue = json.loads(write("json"))[3]["issues"][0]
    assert issue["slices"] == [
        {"place": "Observation.category[0]", "slice": "lab", "discriminator": "coding.code",
         "expected": "laboratory", "found": "exam"}
    ]  # fmt: skip


def test_json__nothing_is_an_empty_list(write: Write) -> None:
    assert json.loads(write("json", results=())) == []
