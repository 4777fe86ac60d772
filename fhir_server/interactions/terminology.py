"""What the terminology operations draw on: the loaded definitions, and behind them the store.

A value set, code system or concept map that was stored is known by its id, and by its url where no
loaded definition has that url. Expansions of what is loaded are shared; of what is stored none is kept.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from fhir_server.interactions.read import read
from fhir_server.interactions.server import FhirServer
from fhir_server.model.json_source import parse_stored
from fhir_server.search.request import parse_search
from fhir_server.search.run import run_search
from fhir_server.store.resources import Connection
from fhir_server.terminology import Terminology

TERMINOLOGY_TYPES = frozenset({"CodeSystem", "ConceptMap", "ValueSet"})
MAX_LOOK_UPS = 100
"""How many urls one call may look up in the store; a value set may name any number."""
MAX_SUPPLEMENTS = 20
"""How many stored supplements of one code system are read."""


@dataclass(slots=True)
class StoreLayer:
    """The stored terminology resources as a layer of definitions, for the time of one call."""

    server: FhirServer
    connection: Connection
    _found: dict[tuple[str, str, str | None], dict[str, Any] | None] = field(default_factory=dict)
    _added: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def find(self, resource_type: str, url: str, version: str | None) -> dict[str, Any] | None:
        """See `fhir_server.definitions.definitions.Layer`."""
        if resource_type not in TERMINOLOGY_TYPES:
            return None
        key = (resource_type, url, version)
        if key not in self._found:
            if len(self._found) + len(self._added) >= MAX_LOOK_UPS:
                return None
            self._found[key] = self._search(resource_type, url, version)
        return self._found[key]

    def urls(self, resource_type: str) -> Iterable[str]:  # noqa: ARG002 — the protocol's signature
        """None: what is stored is found by url, and not listed."""
        return ()

    def versions(self, resource_type: str, url: str) -> Iterable[str]:  # noqa: ARG002 — as above
        """None: what is stored is found by version, and not listed."""
        return ()

    def supplements(self, system: str) -> Iterable[dict[str, Any]]:
        """See `fhir_server.definitions.definitions.Layer`."""
        if system not in self._added:
            if len(self._found) + len(self._added) >= MAX_LOOK_UPS:
                return ()
            pairs = [("supplements", _escaped(system)), ("_count", str(MAX_SUPPLEMENTS))]
            self._added[system] = self._matches("CodeSystem", pairs)
        return self._added[system]

    def stored_value_set(self, own_id: str) -> dict[str, Any] | None:
        """The ValueSet with an id, None where there is none."""
        return next(iter(self._matches("ValueSet", [("_id", own_id)])), None)

    def _search(self, resource_type: str, url: str, version: str | None) -> dict[str, Any] | None:
        pairs = [("url", _escaped(url)), ("_sort", "-_lastUpdated"), ("_count", "1")]
        if version:
            pairs.append(("version", _escaped(version)))
        return next(iter(self._matches(resource_type, pairs)), None)

    def _matches(self, resource_type: str, pairs: list[tuple[str, str]]) -> list[dict[str, Any]]:
        request = parse_search(
            self.server.parameters,
            resource_type,
            pairs,
            lenient=False,
            base_url=self.server.base_url,
        )
        bodies = (match.body for match in run_search(self.connection, request).matches)
        return [parse_stored(body) for body in bodies if body is not None]


def _escaped(value: str) -> str:
    """A value whose commas and bars are its own. Source: https://hl7.org/fhir/R4/search.html#escaping."""
    for sign in ("\\", ",", "$", "|"):
        value = value.replace(sign, f"\\{sign}")
    return value


def terminology_with_store(server: FhirServer, connection: Connection) -> Terminology:
    """The terminology of the server, with what is stored behind what is loaded."""
    return server.terminology.backed(StoreLayer(server, connection))


def stored_instance(connection: Connection, resource_type: str, resource_id: str) -> dict[str, Any]:
    """The resource of an instance-level call. Errors: Refused 404, 410."""
    stored = read(connection, resource_type, resource_id).stored
    body: dict[str, Any] = parse_stored(stored.body) if stored and stored.body else {}
    return body
