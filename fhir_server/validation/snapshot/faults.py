"""What can be wrong with a profile whose snapshot is asked for."""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from fhir_server.model.issues import Reason, because

_log = logging.getLogger("osteon.validation")


class SnapshotError(ValueError):
    """A profile whose snapshot cannot be worked out; `reason` is an issue id, `parameters` fill its text."""

    def __init__(self, reason: str, /, **parameters: Any) -> None:
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
        # Its shape was right, and yet it cannot be read: where, only the log tells.
        _log.info("profile cannot be read: %s", profile[:200], exc_info=fault)
        raise broken(profile, because("because-shape-together")) from None


def broken(profile: str, reason: Reason) -> SnapshotError:
    """The fault of a definition that is no usable StructureDefinition."""
    named = profile[:200] or because("because-without-url")
    return SnapshotError("profile-broken", profile=named, reason=reason)


def url_of(structure: Mapping[str, Any]) -> str:
    """The url of a definition of any shape; empty where it has none."""
    url = structure.get("url")
    return url if isinstance(url, str) else ""
