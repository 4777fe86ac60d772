"""Atheris target: no bytes crash the lexer; what it calls sound can be read whole, and nothing is lost."""

from contextlib import suppress

from ingest.hl7v2 import Hl7SyntaxError, Message, Outcome, acknowledge, group, read_header
from ingest.hl7v2.batch import read_batch
from ingest.hl7v2.document import document
from tests.fuzz.target import fuzz


def one_input(data: bytes) -> None:
    """Only Hl7SyntaxError may come out of Message.parse, and nothing out of a message without faults."""
    for piece in read_batch(data).messages:
        read(piece)
    read(data)
    answer = acknowledge(read_header(data), Outcome.ERROR, control_id="1")
    assert answer is None or answer.endswith(b"\r")


def read(data: bytes) -> None:
    try:
        message = Message.parse(data)
    except Hl7SyntaxError:
        return
    separator = message.delimiters.field
    for segment in message.segments:
        first, *fields = segment.fields
        parts = fields[1:] if segment.is_header else fields
        assert separator.join(map(bytes, [first, *parts])) == segment.raw
    faults = message.faults()
    for fault in faults:
        fault.issue().text("fr")
    if faults:
        return
    assert [s.index for s in group(message).walk()] == [s.index for s in message.segments]
    for segment in message.segments:
        leaves = list(segment.leaves())
        assert [value[:4] for value in segment.values()] == [leaf[:4] for leaf in leaves]
        for number, *_ in leaves:
            for repetition in segment.field(number):
                assert repetition.text is not None or not repetition.raw
                with suppress(Hl7SyntaxError):
                    b"".join(document(repetition))


if __name__ == "__main__":
    fuzz(one_input)
