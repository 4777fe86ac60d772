"""How to read the values of a message: its delimiters and character set, made ready once per pair."""

import re
from dataclasses import dataclass
from functools import cache

from ingest.hl7v2.delimiters import Delimiters
from ingest.hl7v2.escape import Unescape, unescape_for

_NEVER = b"\r"
"""What no segment holds, in place of a delimiter that the sender does not use."""


@dataclass(frozen=True, slots=True)
class Syntax:
    """Shape: `ends` and `text_ends` hold what ends a repetition, a component, a subcomponent; `rare` finds
    what most segments lack: the end of a repetition or subcomponent, and escapes.
    """

    codec: str
    ends: tuple[bytes, bytes, bytes]
    text_ends: tuple[str, str, str]
    field_end: str
    escape: str
    unescape: Unescape
    divider: re.Pattern[bytes]
    rare: re.Pattern[str]

    def is_plain(self, field: "bytes | memoryview") -> bool:
        """Whether a field is a single value: nothing in it ends a repetition or component."""
        return self.divider.search(field) is None


@cache
def syntax_for(delimiters: Delimiters, codec: str) -> Syntax:
    """The syntax of messages with these delimiters in this character set."""
    escape = (delimiters.escape or _NEVER).decode()
    repetition, component, subcomponent = (
        end or _NEVER
        for end in (delimiters.repetition, delimiters.component, delimiters.subcomponent)
    )
    return Syntax(
        codec=codec,
        ends=(repetition, component, subcomponent),
        text_ends=(repetition.decode(), component.decode(), subcomponent.decode()),
        field_end=delimiters.field.decode(),
        escape=escape,
        unescape=unescape_for(delimiters, codec),
        divider=re.compile(b"[" + re.escape(repetition + component + subcomponent) + b"]"),
        rare=re.compile(f"[{re.escape((repetition + subcomponent).decode() + escape)}]"),
    )
