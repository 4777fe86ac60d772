from tests.validation.report_formats.conftest import RESULTS, Write


def test_text__says_each_record_and_issue(write: Write) -> None:
    text = write("text").decode()
    assert "in/a.json: valid\n" in text
    assert "in/w.json: valid, 1 warning\n" in text
    assert "  error 2:7 Patient.name[0] [element-empty] " in text


def test_text__draws_the_table_of_slices(write: Write) -> None:
    lines = write("text").decode().splitlines()
    at = next(i for i, line in enumerate(lines) if "[slice-min]" in line)
    assert "see the table" in lines[at]
    assert lines[at + 1].split() == ["place", "slice", "discriminator", "expected", "found"]
    cells = ["Observation.category[0]", "lab", "coding.code", "laboratory", "exam"]
    assert lines[at + 2].split() == cells


def test_text__sums_up_by_rule_and_by_file(write: Write) -> None:
    text = write("text").decode()
    _, _, summary = text.partition("Summary: ")
    assert summary.startswith("5 records, 3 invalid; 3 errors, 2 warnings\n")
    assert ["warning", "primitive-blank", "2", "2"] in [
        line.split() for line in summary.splitlines()
    ]
    assert ["2", "2", "3", "in/b", "c.ndjson"] in [line.split() for line in summary.splitlines()]


def test_text__one_record_needs_no_summary(write: Write) -> None:
    assert write("text", results=RESULTS[:1]) == b"in/a.json: valid\n"


def test_text__speaks_french(write: Write) -> None:
    text = write("text", "fr").decode()
    assert "in/w.json: valide, 1 avertissement\n" in text
    assert "voir le tableau" in text
    assert "\nPar règle\u00a0:\n" in text
