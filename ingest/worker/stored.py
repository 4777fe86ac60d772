"""What the store holds now, for the mapping: it merges a message into it rather than putting it over it."""

from collections.abc import Mapping, Sequence
from typing import Any

from fhir_server.interactions.search_type import search_type
from fhir_server.interactions.server import FhirServer
from fhir_server.model.json_source import parse_json


class StoredResources:
    """Finds current resources by search parameters."""

    def __init__(self, server: FhirServer) -> None:
        self._server = server

    def __call__(
        self, resource_type: str, parameters: Mapping[str, str]
    ) -> Sequence[dict[str, Any]]:
        """The matches, with `id` and `meta.versionId`."""
        with self._server.database.connection() as connection:
            answer = search_type(self._server, connection, resource_type, list(parameters.items()))
        bundle = parse_json(answer.body or b"{}")
        return [
            entry["resource"]
            for entry in bundle.get("entry", ())
            if entry.get("search", {}).get("mode") == "match"
        ]
