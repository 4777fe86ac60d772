"""The text of one place, read without objects, is what the repetition gives."""

from itertools import product

import pytest

from ingest.hl7v2 import Hl7SyntaxError, Message

HEADER = "MSH|^~\\&|LAB|CHU|OSTEON|NET|20260105||ADT^A01^ADT_A01|7|P|2.5.1||||||8859/1"
FIELDS = ("A", "A^B&C^^D", "~A", "A~B^C", '""', '^""', r"A\T\B^\S\ ", "", "&B", "^")


@pytest.mark.parametrize("field", FIELDS)
def test_text__is_that_of_the_first_repetition(field: str) -> None:
    segment = Message.parse(f"{HEADER}\rPID|1|{field}".encode()).segments[1]
    for component, sub in product(range(1, 6), range(1, 4)):
        repetitions = segment.field(2)
        expected = repetitions[0].component(component, sub) if repetitions else None
        assert segment.text(2, component, sub) == expected


def test_text__of_the_header_counts_its_separator() -> None:
    header = Message.parse(HEADER.encode()).segments[0]
    assert [header.text(number) for number in (1, 2, 3, 9)] == ["|", "^~\\&", "LAB", "ADT"]


def test_text__tells_the_place_of_bytes_that_the_character_set_lacks() -> None:
    raw = HEADER.replace("8859/1", "UNICODE UTF-8").encode() + b"\rPID|1|A^\xff"
    with pytest.raises(Hl7SyntaxError) as caught:
        Message.parse(raw).segments[1].text(2, 2)
    assert caught.value.fault.component == 2


@pytest.mark.parametrize(
    ("field", "starts"), [("A^B", True), ("1", True), ("^B", False), ('""', False), ("-1", False)]
)
def test_starts_valued__is_said_of_letters_and_digits_only(field: str, starts: bool) -> None:
    segment = Message.parse(f"{HEADER}\rPID|1|{field}".encode()).segments[1]
    assert segment.starts_valued(2) is starts
    assert not segment.starts_valued(3)


@pytest.mark.parametrize("header", ["BHS||1", "BHS|", "BHS", "FHS||^~"])
def test_values__header_within_a_message_has_the_places_of_its_leaves(header: str) -> None:
    message = Message.parse(f"MSH|^~\\&|A\r{header}\r".encode())
    segment = message.segments[1]
    assert [value[:4] for value in segment.values()] == [leaf[:4] for leaf in segment.leaves()]


def test_text__of_a_header_within_a_message_is_in_the_character_set_of_the_message() -> None:
    raw = HEADER.encode() + b"\rBHS|^~\xff|1"
    assert Message.parse(raw).segments[1].text(2) == "^~ÿ"
    with pytest.raises(Hl7SyntaxError):
        Message.parse(raw.replace(b"8859/1", b"UNICODE UTF-8")).segments[1].text(2)
