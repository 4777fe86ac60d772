"""Places of a v2 message as the maps write them: `PID-3`, `PID-3.4.2`, `CX.4.2`, `CX`.

Source: HL7 v2-to-FHIR STU1 names fields `PID-3` and components `CX.4`.
"""

import re
from dataclasses import dataclass

_FIELD = re.compile(r"([A-Z][A-Z0-9]{2})-(\d+)(?:\.(\d+))?(?:\.(\d+))?")
_COMPONENT = re.compile(r"([A-Z]{2,3})(?:\.(\d+))?(?:\.(\d+))?")


@dataclass(frozen=True, slots=True)
class FieldPlace:
    """A field of a segment; `component` 0 is the whole repetition, `subcomponent` 0 the first."""

    segment: str
    field: int
    component: int = 0
    subcomponent: int = 0

    def __str__(self) -> str:
        return f"{self.segment}-{self.field}" + _tail(self.component, self.subcomponent)


@dataclass(frozen=True, slots=True)
class ComponentPlace:
    """A component of the data type whose map it stands in; `component` 0 is the whole value."""

    datatype: str
    component: int = 0
    subcomponent: int = 0

    def __str__(self) -> str:
        return self.datatype + _tail(self.component, self.subcomponent)


Place = FieldPlace | ComponentPlace


def _tail(component: int, subcomponent: int) -> str:
    return "".join(f".{number}" for number in (component, subcomponent) if number)


def parse_place(text: str) -> Place | None:
    """The place that a text names; None where it names none."""
    match = _FIELD.fullmatch(text)
    if match is not None:
        segment, *numbers = match.groups()
        return FieldPlace(segment, *(int(number or 0) for number in numbers))
    match = _COMPONENT.fullmatch(text)
    if match is not None:
        datatype, *numbers = match.groups()
        return ComponentPlace(datatype, *(int(number or 0) for number in numbers))
    return None
