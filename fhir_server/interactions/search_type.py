"""search: the resources that match, of a type, of all types, or in a compartment.

Source: https://hl7.org/fhir/R4/search.html
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fhir_server.interactions.answer import Answer
from fhir_server.interactions.search_request import incomplete_parameter, understand
from fhir_server.interactions.server import FhirServer
from fhir_server.interactions.subset import Subset, check_elements, subset_body
from fhir_server.model.issues import Issue, Language, operation_outcome
from fhir_server.model.json_source import encode_json
from fhir_server.search.compartments import Compartment
from fhir_server.search.explain import explain
from fhir_server.search.request import SearchRequest
from fhir_server.search.run import SearchResult, run_search
from fhir_server.store.resources import Connection, StoredResource


@dataclass(frozen=True, slots=True)
class SearchPlace:
    """Where is searched: one type, None for all; in the compartment of a resource, where one is named."""

    type: str | None = None
    compartment: Compartment | None = None

    @property
    def path(self) -> str:
        """The path below the FHIR base."""
        if self.compartment is None:
            return self.type or ""
        return "/".join((*self.compartment, self.type or "*"))


def search(
    server: FhirServer,
    connection: Connection,
    place: SearchPlace,
    pairs: Sequence[tuple[str, str]],
    *,
    lenient: bool = False,
    language: Language = "en",
) -> Answer:
    """The page of matches as a searchset Bundle, with what they include.

    Shape: `self` link: the search as it was understood; `next` link: while there is more.
    With `_explain=true` Parameters that say how it would be carried out.
    Errors: Refused 400 with one issue for each unknown or malformed parameter, unless lenient; 404 for a
    compartment that R4 has not.
    """
    request = understand(
        server,
        connection,
        place.type,
        pairs,
        lenient=lenient,
        compartment=place.compartment,
        takes_contained=True,
        ignores_empty=True,
    )
    if place.type is not None and not lenient:
        check_elements(server.definitions, request.elements, place.type)
    if request.explain:
        return Answer(200, body=encode_json(_explained(connection, request)))
    result = run_search(connection, request)
    links = _links(f"{server.base_url}/{place.path}".rstrip("/"), request, result)
    return Answer(200, body=searchset(server, request, result, links, language))


def search_type(
    server: FhirServer,
    connection: Connection,
    resource_type: str,
    pairs: Sequence[tuple[str, str]],
) -> Answer:
    """A search of one type, as `search`."""
    return search(server, connection, SearchPlace(resource_type), pairs)


def _explained(connection: Connection, request: SearchRequest) -> dict[str, Any]:
    """How the search would be carried out, as Parameters."""
    explained = explain(connection, request)
    parts = {
        "search": explained.search,
        "order": explained.order,
        "sql": explained.sql,
        "plan": explained.plan,
    }
    return {
        "resourceType": "Parameters",
        "parameter": [{"name": name, "valueString": text} for name, text in parts.items()],
    }


def searchset(
    server: FhirServer,
    request: SearchRequest,
    result: SearchResult,
    links: Sequence[Mapping[str, str]],
    language: Language = "en",
) -> bytes:
    """The Bundle of a result, as JSON bytes."""
    head = b'{"resourceType":"Bundle","id":"' + str(uuid.uuid4()).encode() + b'","type":"searchset"'
    total = b"" if result.total is None else b',"total":%d' % result.total
    # `_elements` does not apply to what is included (R4 §3.1.1.5.9).
    part = Subset(request.summary, request.elements)
    entries = [_entry(server, stored, b"match", part) for stored in result.matches]
    part = Subset(request.summary)
    entries += [_entry(server, stored, b"include", part) for stored in result.included]
    issues = [*request.dropped, *result.issues, *map(incomplete_parameter, request.incomplete)]
    if issues:
        entries.append(_outcome_entry(issues, language))
    entry_list = b',"entry":[' + b",".join(entries) + b"]" if entries else b""
    return head + total + b',"link":' + encode_json(links) + entry_list + b"}"


def _links(place: str, request: SearchRequest, result: SearchResult) -> list[dict[str, str]]:
    query = request.self_query()
    links = [{"relation": "self", "url": f"{place}?{query}" if query else place}]
    if result.next_cursor is not None:
        url = f"{place}?{request.next_query(result.next_cursor)}"
        links.append({"relation": "next", "url": url})
    return links


def _entry(server: FhirServer, stored: StoredResource, mode: bytes, part: Subset) -> bytes:
    full_url = encode_json(f"{server.base_url}/{stored.type}/{stored.id}")
    body = subset_body(server.definitions, part, stored.body or b"null")
    return (
        b'{"fullUrl":' + full_url + b',"resource":' + body
        + b',"search":{"mode":"' + mode + b'"}}'
    )  # fmt: skip


def _outcome_entry(issues: Sequence[Issue], language: Language) -> bytes:
    outcome = operation_outcome(list(issues), language)
    outcome["id"] = str(uuid.uuid4())
    return encode_json({"fullUrl": f"urn:uuid:{outcome['id']}", "resource": outcome,
                        "search": {"mode": "outcome"}})  # fmt: skip
