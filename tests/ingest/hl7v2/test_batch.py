import pytest

from ingest.hl7v2.batch import read_batch

ONE = "MSH|^~\\&|A|B|C|D|||ADT^A01|1\rPID|1"
TWO = "MSH|^~\\&|A|B|C|D|||ADT^A01|2\rPID|2"


def read(text: str) -> tuple[list[str], list[str]]:
    batch = read_batch(text.encode())
    return [m.decode() for m in batch.messages], [f.location or f.id for f in batch.faults]


@pytest.mark.parametrize(
    "text",
    [
        f"{ONE}\r{TWO}\r",
        f"{ONE}\r\r\n{TWO}",
        f"\x0b{ONE}\r\x1c\r\x0b{TWO}\r\x1c\r",
        f"FHS|^~\\&|A\rBHS|^~\\&|A\r{ONE}\r{TWO}\rBTS|2\rFTS|1\r",
        f"BHS|^~\\&\r{ONE}\rBTS|1\rBHS|^~\\&\r{TWO}\rBTS|1\rFTS|2",
        f"FHS|^~\\&\rBHS|^~\\&\r{ONE}\rBTS|1\rFTS|1\rFHS|^~\\&\rBHS|^~\\&\r{TWO}\rBTS|1\rFTS|1",
        f"FHS|^~\\&\r{ONE}\r{TWO}\rFTS|1",
        f"BHS|^~\\&\r{ONE}\r{TWO}\rBTS| 2 |a remark",
    ],
)
def test_read_batch__finds_the_messages(text: str) -> None:
    assert read(text) == ([ONE, TWO], [])


def test_read_batch__finds_messages_with_line_feeds() -> None:
    messages, faults = read(f"{ONE}\n{TWO}".replace("\r", "\n"))
    assert messages == [ONE.replace("\r", "\n"), TWO.replace("\r", "\n")]
    assert faults == []


@pytest.mark.parametrize(
    ("text", "location"),
    [
        (f"BHS|^~\\&\r{ONE}\rBTS|2", "BTS-1"),
        (f"FHS|^~\\&\rBHS|^~\\&\r{ONE}\rBTS|1\rFTS|2", "FTS-1"),
        (f"BHS|^~\\&\r{ONE}", "BHS"),
        (f"FHS|^~\\&\rBHS|^~\\&\r{ONE}\rBTS|1", "FHS"),
        (f"BHS|^~\\&\r{ONE}\rBHS|^~\\&\r{TWO}\rBTS|1", "BHS"),
        (f"BHS|^~\\&\r{ONE}\rBTS|{'9' * 5000}", "BTS-1"),
        (f"remark\r{ONE}", "hl7v2-no-header"),
        ("no message at all", "hl7v2-no-header"),
    ],
)
def test_read_batch__tells_wrong_counts_missing_trailers_and_stray_content(
    text: str, location: str
) -> None:
    assert read(text)[1] == [location]
