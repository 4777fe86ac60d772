"""HL7 v2 syntax: lexer, escapes, character sets, groups, embedded documents, acknowledgements."""

from ingest.hl7v2.ack import Outcome, acknowledge, read_header
from ingest.hl7v2.faults import Hl7Fault, Hl7SyntaxError
from ingest.hl7v2.groups import Group, group
from ingest.hl7v2.message import Message
from ingest.hl7v2.segment import NULL, Part, Repetition, Segment

__all__ = [
    "NULL",
    "Group",
    "Hl7Fault",
    "Hl7SyntaxError",
    "Message",
    "Outcome",
    "Part",
    "Repetition",
    "Segment",
    "acknowledge",
    "group",
    "read_header",
]
