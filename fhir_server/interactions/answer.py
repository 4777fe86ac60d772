"""What an interaction answers, before it becomes an HTTP response or a Bundle entry."""

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache

import msgspec

from fhir_server.model.issues import Issue
from fhir_server.store.resources import StoredResource


class Answer(msgspec.Struct, frozen=True):
    """The outcome of one interaction.

    Shape: `status` the HTTP status; `stored` the version it speaks of, if any; `body` other content
    (a Bundle, an OperationOutcome), as JSON bytes; `issues` what there is to say beside it.
    """

    status: int
    stored: StoredResource | None = None
    body: bytes | None = None
    issues: Sequence[Issue] = ()

    @property
    def etag(self) -> str | None:
        """The weak entity tag of the version, `W/"3"`."""
        return f'W/"{self.stored.version}"' if self.stored else None

    @property
    def location(self) -> str | None:
        """`Type/id/_history/version`, relative to the base, where a version was made."""
        if self.stored is None:
            return None
        return f"{self.stored.type}/{self.stored.id}/_history/{self.stored.version}"


# A transaction has one time, or few.
@lru_cache(maxsize=256)
def instant(time: datetime) -> str:
    """A time as a FHIR instant in UTC, with milliseconds."""
    return time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
