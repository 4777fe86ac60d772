"""What can be wrong with a profile whose snapshot is asked for."""

from collections.abc import Iterator
from contextlib import contextmanager


class SnapshotError(ValueError):
    """A profile whose snapshot cannot be worked out; `reason` is an issue id, `parameters` fill its text."""

    def __init__(self, reason: str, /, **parameters: str) -> None:
        super().__init__(f"{reason}: {parameters}")
        self.reason = reason
        self.parameters = parameters


@contextmanager
def author_faults(profile: str) -> Iterator[None]:
    """Within it, whatever a definition of any shape leads to is the fault of its author: a SnapshotError."""
    try:
        yield
    except SnapshotError:
        raise
    except (
        KeyError,
        TypeError,
        AttributeError,
        ValueError,
        IndexError,
        RecursionError,
    ) as fault:
        reason = f"{type(fault).__name__}: {fault}"[:200]
        raise SnapshotError("profile-broken", profile=profile, reason=reason) from None
