"""Work that may be begun again after its process was killed: what an earlier attempt has done already."""

from fhir_server.store.resources import Connection


class Resumption:
    """Of work that is done once and not begun again: nothing was done before, nothing is kept.

    Shape: `name` under which a transaction keeps its answer, to be found by a later attempt.
    """

    name: bytes | None = None

    def note_total(self, total: int) -> None:
        """Be told how many steps there are."""

    def answered(self, step: int) -> bytes | None:  # noqa: ARG002 — nothing was done before
        """What a step answered in an earlier attempt, or None."""
        return None

    def keep(self, connection: Connection, step: int, answer: bytes) -> None:
        """Keep what a step answers, in the database transaction that carries it out."""


ONCE = Resumption()
