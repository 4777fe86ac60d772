"""Faults of a source text that a reader can read past: bytes that are no UTF-8, text between elements."""

from dataclasses import dataclass

from fhir_server.model.issues import Reason


@dataclass(frozen=True, slots=True)
class SourceFault:
    """One fault: its issue id, the name or the clause that is said of it, where it stands in the text and
    in the document.
    """

    issue_id: str
    reason: str | Reason
    line: int
    column: int
    path: tuple[str | int, ...] = ()

    @classmethod
    def of_encoding(cls, source: bytes) -> "SourceFault":
        """The fault of a text that is not UTF-8: where its first wrong byte stands, and what it is."""
        try:
            source.decode()
        except UnicodeDecodeError as fault:
            before = source[: fault.start].decode()
            line = before.count("\n") + 1
            column = len(before) - before.rfind("\n")
            return cls("source-encoding", f"0x{source[fault.start]:02X}", line, column)
        return cls("source-encoding", "–", 1, 1)
