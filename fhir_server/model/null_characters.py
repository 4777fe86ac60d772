"""U+0000, which no string of FHIR may hold (https://hl7.org/fhir/R4/datatypes.html#string)."""

from typing import Any


def null_character_in(value: Any, path: str = "") -> str | None:
    """The FHIRPath of the first string, or of the object with the first name, that holds it; or None."""
    stack = [(path, value)]
    while stack:
        here, found = stack.pop()
        if isinstance(found, str) and "\x00" in found:
            return here
        if isinstance(found, dict):
            start = here or str(found.get("resourceType", ""))[:64].replace("\x00", "")
            if any("\x00" in name for name in found):
                return start
            stack.extend(
                (f"{start}.{name}" if start else name, v) for name, v in reversed(found.items())
            )
        elif isinstance(found, list):
            members = [(f"{here}[{index}]", member) for index, member in enumerate(found)]
            stack.extend(reversed(members))
    return None
