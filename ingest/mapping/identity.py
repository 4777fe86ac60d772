"""What makes a resource the same in every message."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Identity:
    """An identifier in its system."""

    system: str
    value: str

    @property
    def token(self) -> str:
        """As a search parameter's value."""
        return f"{self.system}|{self.value}"
