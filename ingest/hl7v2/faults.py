"""Faults of a message's syntax: values with a place in the message and the code that an ERR segment carries.

Source: HL7 v2.5.1 §2.15.5 (ERR), table 0357 (message error condition codes), data type ERL.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any

from fhir_server.model.issues import Issue, Severity

CONDITION_TEXTS: Mapping[int, str] = {
    100: "Segment sequence error",
    101: "Required field missing",
    102: "Data type error",
    103: "Table value not found",
    104: "Value too long",
    200: "Unsupported message type",
    201: "Unsupported event code",
    202: "Unsupported processing id",
    203: "Unsupported version id",
    204: "Unknown key identifier",
    205: "Duplicate key identifier",
    206: "Application record locked",
    207: "Application internal error",
}
"""Table 0357, the texts that travel in ERR-3.2."""

ISSUE_CODES: Mapping[int, str] = {
    100: "structure",
    101: "required",
    102: "value",
    103: "code-invalid",
    104: "too-long",
    205: "duplicate",
    206: "lock-error",
    207: "exception",
}
"""Table 0357 → FHIR issue-type; what is not listed is `not-supported`."""


@dataclasses.dataclass(frozen=True, slots=True)
class Hl7Fault:
    """One fault.

    Shape: `id` the issue id; `condition` from table 0357; `segment` its name, `sequence` its occurrence
    among segments of that name; `field`, `repetition`, `component`, `subcomponent` as in ERL, 0 where
    the fault does not reach that deep. `parameters` never hold a value of the message.
    Units: all places count from 1.
    """

    id: str
    condition: int
    segment: str = ""
    sequence: int = 0
    field: int = 0
    repetition: int = 0
    component: int = 0
    subcomponent: int = 0
    severity: Severity = "error"
    parameters: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    @property
    def location(self) -> str:
        """The place as people write it: `OBX[3]-5[1].2`; empty for the whole message."""
        if not self.segment:
            return ""
        place = self.segment if self.sequence < 2 else f"{self.segment}[{self.sequence}]"
        if self.field:
            place += f"-{self.field}"
        if self.repetition:
            place += f"[{self.repetition}]"
        if self.component:
            place += f".{self.component}"
        if self.subcomponent:
            place += f".{self.subcomponent}"
        return place

    def issue(self) -> Issue:
        """The same as an issue; its expression is the place in the v2 message."""
        code = ISSUE_CODES.get(self.condition, "not-supported")
        return Issue(self.id, self.severity, code, self.location, self.parameters)


class Hl7SyntaxError(ValueError):
    """Bytes that cannot be read as HL7 v2 at the place asked for."""

    def __init__(self, fault: Hl7Fault) -> None:
        super().__init__(f"{fault.id} at {fault.location or 'the message'}")
        self.fault = fault
