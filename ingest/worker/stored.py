"""What the store holds now, for the mapping: it merges a message into it rather than putting it over it."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from fhir_server.interactions.find_each import find_each
from fhir_server.interactions.search_type import search_type
from fhir_server.interactions.server import FhirServer
from fhir_server.model.json_source import parse_stored
from ingest.mapping import Question


class StoredResources:
    """Finds current resources by search parameters."""

    def __init__(self, server: FhirServer) -> None:
        self._server = server

    def __call__(
        self, resource_type: str, parameters: Mapping[str, str]
    ) -> Sequence[dict[str, Any]]:
        """The matches on all pages, with `id` and `meta.versionId`."""
        found: list[dict[str, Any]] = []
        query = list(parameters.items())
        while query:
            page = self._page(resource_type, query)
            found += [
                entry["resource"]
                for entry in page.get("entry", ())
                if entry.get("search", {}).get("mode") == "match"
            ]
            links = {link["relation"]: link["url"] for link in page.get("link", ())}
            query = parse_qsl(urlsplit(links.get("next", "")).query)
        return found

    def answers(self, questions: Sequence[Question]) -> Mapping[Question, Sequence[dict[str, Any]]]:
        """The matches of many questions. Shape: without those that have very many; ask them alone."""
        asked = list(dict.fromkeys(questions))
        return {
            question: [_resource(one.type, one.id, one.body) for one in matches]
            for question, matches in zip(asked, find_each(self._server, asked), strict=True)
            if matches is not None
        }

    def _page(self, resource_type: str, query: list[tuple[str, str]]) -> dict[str, Any]:
        with self._server.database.connection() as connection:
            answer = search_type(self._server, connection, resource_type, query)
        page: dict[str, Any] = parse_stored(answer.body or b"{}")
        return page


def _resource(resource_type: str, resource_id: str, body: bytes | None) -> dict[str, Any]:
    """What was found, as far as it was asked for."""
    if body is None:
        return {"resourceType": resource_type, "id": resource_id}
    resource: dict[str, Any] = parse_stored(body)
    return resource
