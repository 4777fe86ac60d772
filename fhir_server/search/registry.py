"""The search parameters in force: those of the loaded definitions, and those that are stored.

Each change of a stored SearchParameter gives the store a new generation, in the same transaction. A
write reads the generation with the clock and so indexes by what is in force; a search looks at it at
most once a second, and again before it refuses a parameter as unknown.
"""

import time
from dataclasses import dataclass
from threading import Lock
from typing import Any

import psycopg
import structlog

from fhir_server.fhirpath import FHIRPath
from fhir_server.model.issues import has_errors
from fhir_server.model.json_source import parse_stored
from fhir_server.search.definition_check import check_definition, is_in_force
from fhir_server.search.indexer import SearchIndexer
from fhir_server.search.parameters import SearchParameters, types_of
from fhir_server.store.bodies import unpacked
from fhir_server.store.resource_types import TYPE_NUMBERS
from fhir_server.store.search_state import read_gaps, read_generation

Connection = psycopg.Connection[Any]

MAX_STORED = 5000
"""How many stored SearchParameters can be in force at once."""
LOOK_AGAIN_S = 1.0

_log = structlog.stdlib.get_logger("osteon.search")


@dataclass(frozen=True, slots=True, eq=False)
class SearchSet:
    """The parameters of one generation, the indexer by them, and the stored definitions among them."""

    generation: str | None
    parameters: SearchParameters
    indexer: SearchIndexer
    stored: tuple[dict[str, Any], ...] = ()


class SearchRegistry:
    """Gives the set in force. Shared between threads."""

    def __init__(
        self, parameters: SearchParameters, indexer: SearchIndexer, engine: FHIRPath
    ) -> None:
        self.loaded = SearchSet(None, parameters, indexer)
        """What the server is built on, without what is stored."""
        self._engine = engine
        self._lock = Lock()
        self._looked = float("-inf")
        self.current = self.loaded
        """The set in force when the store was last looked at."""

    def of_another_store(self) -> "SearchRegistry":
        """A registry by the same loaded definitions."""
        return SearchRegistry(self.loaded.parameters, self.loaded.indexer, self._engine)

    def refresh(self, connection: Connection, *, max_age_s: float = LOOK_AGAIN_S) -> SearchSet:
        """The set in force. Cost: a statement where the last look is older than `max_age_s`."""
        now = time.monotonic()
        if now - self._looked < max_age_s:
            return self.current
        self._looked = now
        return self.at(connection, read_generation(connection))

    def at(self, connection: Connection, generation: str | None) -> SearchSet:
        """The set of a generation that was just read. Cost: reads the stored ones where it is new."""
        if self.current.generation == generation:
            return self.current
        with self._lock:
            if self.current.generation != generation:
                self.current = self._read(connection, generation)
        return self.current

    def _read(self, connection: Connection, generation: str | None) -> SearchSet:
        loaded = self.loaded
        if generation is None:
            return loaded
        definitions = self._stored(connection)
        gaps = frozenset(gap.parameter for gap in read_gaps(connection))
        types = {name for definition in definitions for name in types_of(definition)}
        # The indexer's own parameters ask no other server what a value set holds.
        own = loaded.indexer.parameters.extended(definitions)
        return SearchSet(
            generation,
            loaded.parameters.extended(definitions, gaps),
            loaded.indexer.extended(own, types),
            tuple(definitions),
        )

    def _stored(self, connection: Connection) -> list[dict[str, Any]]:
        """The stored definitions in force, in the order in which they were first stored."""
        rows = connection.execute(
            "SELECT body FROM resource WHERE type = %s AND NOT deleted ORDER BY sequence LIMIT %s",
            (TYPE_NUMBERS["SearchParameter"], MAX_STORED),
        ).fetchall()
        found = [one for (body,) in rows if is_in_force(one := parse_stored(unpacked(body)))]
        return [one for one in found if self._is_usable(one, found)]

    def _is_usable(self, definition: dict[str, Any], others: list[dict[str, Any]]) -> bool:
        """Whether it can be searched by; it was checked when it was stored, perhaps by an older server."""
        issues = check_definition(definition, self.loaded.parameters, self._engine, others)
        if has_errors(issues):
            _log.warning("stored SearchParameter left out", id=definition.get("id"))
        return not has_errors(issues)
