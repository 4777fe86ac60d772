"""search: the resources of a type that match.

Source: https://hl7.org/fhir/R4/search.html
"""

import uuid
from collections.abc import Mapping, Sequence

from fhir_server.interactions.answer import Answer
from fhir_server.interactions.search_request import incomplete_parameter, understand
from fhir_server.interactions.server import FhirServer
from fhir_server.interactions.subset import Subset, subset_body
from fhir_server.model.issues import Issue, Language, operation_outcome
from fhir_server.model.json_source import encode_json
from fhir_server.search.request import SearchRequest
from fhir_server.search.run import SearchResult, run_search
from fhir_server.store.resources import Connection, StoredResource


def search_type(
    server: FhirServer,
    connection: Connection,
    resource_type: str,
    pairs: Sequence[tuple[str, str]],
    *,
    lenient: bool = False,
    language: Language = "en",
) -> Answer:
    """The page of matches as a searchset Bundle, with what they include.

    Shape: `self` link: the search as it was understood; `next` link: while there is more.
    Errors: Refused 400 with one issue for each unknown or malformed parameter, unless lenient.
    """
    request = understand(server, connection, resource_type, pairs, lenient=lenient)
    result = run_search(connection, request)
    return Answer(
        200,
        body=searchset(server, request, result, _links(server.base_url, request, result), language),
    )


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


def _links(base_url: str, request: SearchRequest, result: SearchResult) -> list[dict[str, str]]:
    base = f"{base_url}/{request.resource_type}?"
    links = [{"relation": "self", "url": base + request.self_query()}]
    if result.next_cursor is not None:
        links.append({"relation": "next", "url": base + request.next_query(result.next_cursor)})
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
