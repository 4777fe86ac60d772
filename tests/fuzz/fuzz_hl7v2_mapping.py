"""Atheris target: whatever stands behind a header is mapped or held, each value with one fate."""

from ingest.hl7v2 import Hl7SyntaxError, Message
from ingest.mapping import map_message
from tests.fuzz.target import fuzz
from tests.ingest.mapping.memory_store import MemoryStore

EVENTS = (
    "ADT^A01", "ADT^A40", "ORU^R01", "OML^O21", "OML^O33", "OUL^R22", "MDM^T02", "SIU^S12", "ADT^Z99", "ACK",
)  # fmt: skip
HEADER = "MSH|^~\\&|SGL-P01|CENTRE-P01|||20240101||{}|1|P|2.5||||||UNICODE UTF-8\r"


def one_input(data: bytes) -> None:
    """The first byte chooses the event; a line feed stands for the end of a segment."""
    event = EVENTS[data[0] % len(EVENTS) if data else 0]
    raw = HEADER.format(event).encode() + data[1:].replace(b"\n", b"\r")
    try:
        message = Message.parse(raw)
    except Hl7SyntaxError:
        return
    if message.faults():
        return
    try:
        result = map_message(message, stored=MemoryStore())
    except Hl7SyntaxError as refusal:
        # The one fault that is found so late: a document that is not in the encoding it claims.
        if refusal.fault.id == "hl7v2-document-encoding":
            return
        raise
    assert (result.bundle is None) or not result.held
    assert len(result.fates) == sum(1 for s in message.segments for _ in s.leaves())
    for fate in result.fates:
        assert bool(fate.targets) == (fate.kind == "mapped")
    for issue in (*result.held, *result.issues):
        issue.text("fr")


if __name__ == "__main__":
    fuzz(one_input)
