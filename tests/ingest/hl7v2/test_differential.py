"""Our lexer beside two others: what they read of a message, we read alike.

hl7apy is read without groups, the only way in which it keeps Z segments. What the others are known to get
wrong is left out (`\\.br\\` is deleted or escaped again, LF alone gives one segment, of a number hl7apy keeps
what it counts: the `00` of an SI field comes back as 0).
"""

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from hl7apy.consts import VALIDATION_LEVEL
from hl7apy.parser import parse_message
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.hl7v2 import Message

MESSAGES = Path(__file__).parent.parent / "mapping" / "messages"
HEADER = "MSH|^~\\&|A|B|C|D|20240101||ADT^A01^ADT_A01|1|P|2.5||||||UNICODE UTF-8"
Value = tuple[str, int, int, int, int, str]
"""Segment with its number among all, field, repetition, component, subcomponent, text."""

text = st.text("abcXYZ019 é.-/", min_size=1, max_size=6).map(str.strip).filter(bool)
component = st.lists(text, min_size=1, max_size=3).map("&".join)
repetition = st.lists(st.one_of(st.just(""), component), min_size=1, max_size=4).map("^".join)
field = st.one_of(st.just(""), st.lists(repetition, min_size=1, max_size=2).map("~".join))
name = st.sampled_from(["PID", "PV1", "OBX", "NTE", "ZZZ", "ZBE"])
segment = st.builds(
    lambda n, fields: "|".join([n, *fields]), name, st.lists(field, min_size=1, max_size=9)
)
as_counted = text.map(lambda value: f"1{value}" if value.lstrip("-").isdigit() else value)
"""Texts that hl7apy writes as it read them: numbers without leading zeros."""
# hl7apy moves what a segment or data type does not have: it is given plain values in fields that are there.
plain = st.builds(
    lambda n, fields: "|".join([n, *fields]),
    st.sampled_from(["PID", "PV1", "ZZZ", "ZBE"]),
    st.lists(st.one_of(st.just(""), as_counted), min_size=1, max_size=9),
)
plain_messages = st.lists(plain, max_size=6).map(lambda rest: "\r".join([HEADER, *rest]))
messages = st.lists(segment, max_size=6).map(lambda rest: "\r".join([HEADER, *rest]))


def ours(raw: str) -> list[Value]:
    found: list[Value] = []
    for one in Message.parse(raw.encode()).segments:
        for number, rep, place, sub, value in one.values():
            if not (one.is_header and number <= 2):
                found.append((f"{one.index}{one.name}", number, rep, place, sub, value))
    return found


def python_hl7(raw: str) -> Iterator[Value]:
    """Reads python-hl7's tree; it keeps the segments' names as field 0 and collapses levels of one value."""
    parsed: Any = import_module("hl7").parse(raw)
    for index, one in enumerate(parsed):
        segment_name = str(one[0])
        for number in range(3 if segment_name == "MSH" else 1, len(one)):
            for rep, whole in enumerate(one[number], 1):
                yield from _levels(f"{index}{segment_name}", number, rep, whole)


def _levels(segment_name: str, number: int, rep: int, whole: Any) -> Iterator[Value]:
    parts = [whole] if isinstance(whole, str) else list(whole)
    for place, part in enumerate(parts, 1):
        subs = [part] if isinstance(part, str) else list(part)
        for sub, value in enumerate(subs, 1):
            if value:
                yield segment_name, number, rep, place, sub, str(value)


def rewritten_by_hl7apy(raw: str) -> str:
    """The message as hl7apy writes what it has read, which leaves out trailing delimiters."""
    parsed = parse_message(raw, validation_level=VALIDATION_LEVEL.TOLERANT, find_groups=False)
    return str(parsed.to_er7())


@settings(max_examples=150)
@given(messages)
def test_values__are_those_that_python_hl7_reads(raw: str) -> None:
    assert ours(raw) == list(python_hl7(raw))


@settings(max_examples=10)
@given(plain_messages)
def test_values__are_those_that_hl7apy_keeps(raw: str) -> None:
    assert ours(rewritten_by_hl7apy(raw)) == ours(raw)


@pytest.mark.parametrize("path", sorted(MESSAGES.glob("adt*.hl7")), ids=lambda path: path.stem)
def test_message__of_the_network_is_read_as_the_others_read_it(path: Path) -> None:
    raw = path.read_text().strip().replace("\n", "\r")
    assert ours(raw) == list(python_hl7(raw))
