"""The table of a slicing: for each slice and discriminator, what was expected and what was found.

Source: FHIR R4 §5.1.0.14, https://hl7.org/fhir/R4/profiling.html#slicing
"""

from dataclasses import dataclass

_SHOWN = 40


@dataclass(frozen=True, slots=True)
class SliceRow:
    """One discriminator that keeps an item out of a slice: `place` is the item's FHIRPath."""

    place: str
    slice: str
    discriminator: str
    expected: str
    found: str


@dataclass(frozen=True, slots=True)
class SliceTable:
    """The rows; as text, one line of them, for answers that cannot draw a table."""

    rows: tuple[SliceRow, ...]

    def __str__(self) -> str:
        lines = (
            f"{row.place} · {row.slice} · {row.discriminator}: {row.expected} ≠ {row.found}"
            for row in self.rows[:_SHOWN]
        )
        return "; ".join(lines) or "–"
