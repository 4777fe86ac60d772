"""Quantities: a number with a UCUM unit or a calendar duration.

Source: FHIRPath N1 §2.8, §6.1, §6.6; FHIR R4 §2.9.2 (Quantity → System.Quantity).
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

UCUM_SYSTEM = "http://unitsofmeasure.org"


@dataclass(frozen=True, slots=True)
class Quantity:
    """A value with a unit: a UCUM code, or with `calendar` a duration keyword in the singular."""

    value: Decimal
    unit: str
    calendar: bool = False

    def __str__(self) -> str:
        if self.calendar:
            return f"{self.value:f} {self.unit}" + ("" if self.value == 1 else "s")
        return f"{self.value:f} '{self.unit}'"

    def to_fhir(self) -> dict[str, Any]:
        """The quantity as FHIR JSON has it."""
        code = CALENDAR_TO_UCUM[self.unit] if self.calendar else self.unit
        return {"value": self.value, "unit": self.unit, "system": UCUM_SYSTEM, "code": code}


CALENDAR_TO_UCUM = {
    "year": "a", "month": "mo", "week": "wk", "day": "d", "hour": "h", "minute": "min",
    "second": "s", "millisecond": "ms",
}  # fmt: skip
"""Calendar durations and their UCUM codes. Source: FHIRPath N1 §2.8."""

UCUM_TO_CALENDAR = {code: word for word, code in CALENDAR_TO_UCUM.items()}


def from_fhir(value: Any) -> Any:
    """The System.Quantity of a FHIR Quantity; None where it has no value."""
    if type(value) is not dict:
        return value
    number = value.get("value")
    if type(number) is int:
        number = Decimal(number)
    if type(number) is not Decimal:
        return None
    code = value.get("code")
    if value.get("system") == UCUM_SYSTEM and isinstance(code, str):
        return Quantity(number, code)
    unit = value.get("unit")
    return Quantity(
        number, unit if isinstance(unit, str) else code if isinstance(code, str) else "1"
    )
