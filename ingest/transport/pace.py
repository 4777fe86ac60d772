"""How long a sender may take for a message: what comes byte by byte would hold its room for hours.

The time in which nothing was read from the sender, for want of room, is not the sender's.
"""

from dataclasses import dataclass

from fhir_server.settings import Settings


@dataclass(frozen=True)
class Pace:
    """`patience_s` for any message, and a second more for each `slowest_bytes_per_s` that have come."""

    patience_s: float
    slowest_bytes_per_s: int

    def left_s(self, spent_s: float, size_bytes: int) -> float:
        """How much longer a sender may take that has spent so long on so many bytes. Shape: not negative."""
        return max(0.0, self.patience_s + size_bytes / self.slowest_bytes_per_s - spent_s)


def pace_of(settings: Settings) -> Pace:
    """The pace that the settings ask for."""
    return Pace(settings.mllp_frame_deadline_s, settings.mllp_slowest_bytes_per_s)
