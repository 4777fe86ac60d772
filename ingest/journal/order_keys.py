"""Order keys: which messages must be worked off one after the other.

Two messages belong in order where they share the number of a patient, whoever assigned it: the number
alone is hashed, because senders name the same authority in different ways. A merge carries the retired
number too (MRG-1), so it keeps its place among the messages of both. Numbers of two patients that are
alike by chance only cost a wait.
"""

from fhir_server.store.keys import hash64
from ingest.hl7v2 import Message

PLACES = (("PID", 3), ("MRG", 1))
MOST_KEYS = 64
"""More identifiers than any patient has; what is beyond does not widen the index."""


def order_keys(message: Message, sender: int) -> list[int]:
    """The keys of the patients in a message; the sender's own where it names none."""
    keys = {
        hash64(number): None
        for segment, field in PLACES
        for repetition in message.repetitions(segment, field)
        if (number := repetition.component(1))
    }
    return list(keys)[:MOST_KEYS] or [sender]
