"""The key of what a movement tells of its stay, among the keys that a merge compares as texts."""

from typing import NamedTuple

_BETWEEN = "~"
"""Stands in no time, so that it tells the keys of movements from others."""


class MovementKey(NamedTuple):
    """When the movement began, then the key of the message that told of it: `start~message`."""

    start: str
    message: str

    def written(self) -> str:
        """As it stands among the keys of a stored resource."""
        return f"{self.start}{_BETWEEN}{self.message}"


def is_movement_key(written: str) -> bool:
    """Whether a key came from a movement."""
    return _BETWEEN in written
