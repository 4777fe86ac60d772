"""The journal over HTTP: `GET /ingest/messages` and `GET /ingest/messages/{id}`.

Answers tell the state and the reason of each message, never its content.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from fhir_server.interactions.server import FhirServer
from fhir_server.model.issues import Issue, Language, Refused, error, operation_outcome
from fhir_server.model.json_source import encode_json
from fhir_server.model.negotiation import preferred_language
from ingest.journal.issue_json import told
from ingest.journal.listing import LARGEST_PAGE, JournalFilter, find_message, list_messages
from ingest.journal.record import STATES, State

PARAMETERS = ("state", "centre", "type", "reason", "before", "count")


def routes(server: FhirServer) -> list[Route]:
    """The routes of the journal."""

    def messages(request: Request) -> Response:
        language = _language(request, server.settings.language)
        try:
            wanted = read_filter(request)
        except Refused as refused:
            return _outcome(refused.status, refused.issues, language)
        with server.database.connection() as connection:
            found = list_messages(connection, wanted)
        return _json(200, _page(request, wanted, found, language))

    def message(request: Request) -> Response:
        language = _language(request, server.settings.language)
        given = request.path_params["id"]
        row = None
        if _is_number(given):
            with server.database.connection() as connection:
                row = find_message(connection, int(given))
        if row is None:
            return _outcome(404, [error("ingest-message-unknown", "not-found")], language)
        return _json(200, shown(row, language))

    return [
        Route("/ingest/messages", messages, methods=["GET"], name="ingest-messages"),
        Route("/ingest/messages/{id}", message, methods=["GET"], name="ingest-message"),
    ]


def read_filter(request: Request) -> JournalFilter:
    """The filter that the query asks for. Errors: Refused 400 with one issue per bad parameter."""
    query = request.query_params
    faults = [
        error("ingest-parameter-unknown", "not-supported", name=name, known=", ".join(PARAMETERS))
        for name in dict.fromkeys(query)
        if name not in PARAMETERS
    ]
    states = [part for value in query.getlist("state") for part in value.split(",")]
    known: list[State] = [state for state in STATES if state in states]
    if set(states) - set(known):
        faults.append(_bad_value("state", ", ".join(STATES)))
    count = query.get("count", "50")
    if not _is_number(count) or not 1 <= int(count) <= LARGEST_PAGE:
        faults.append(_bad_value("count", f"1…{LARGEST_PAGE}"))
    before = query.get("before")
    if before is not None and not _is_number(before):
        faults.append(_bad_value("before", "the id of a message"))
    faults += [
        _bad_value(name, "text without U+0000")
        for name in ("centre", "type", "reason")
        if "\0" in query.get(name, "")
    ]
    if faults:
        raise Refused(400, faults)
    return JournalFilter(
        states=known,
        centre=query.get("centre"),
        # A circumflex is awkward in a URL: ADT_A01 asks for ADT^A01.
        type=query["type"].replace("_", "^") if "type" in query else None,
        reason=query.get("reason"),
        before=int(before) if before is not None else None,
        count=int(count),
    )


def _is_number(text: str) -> bool:
    """Whether this is a number that PostgreSQL's bigint holds, written in ASCII digits."""
    return text.isascii() and text.isdigit() and len(text) < 19


def _bad_value(name: str, expected: str) -> Issue:
    return error("ingest-parameter-value", "value", name=name, expected=expected)


def _page(
    request: Request, wanted: JournalFilter, found: list[dict[str, Any]], language: Language
) -> Mapping[str, Any]:
    links = [{"relation": "self", "url": _url(request, request.query_params.multi_items())}]
    if len(found) == wanted.count:
        kept = [pair for pair in request.query_params.multi_items() if pair[0] != "before"]
        url = _url(request, [*kept, ("before", str(found[-1]["id"]))])
        links.append({"relation": "next", "url": url})
    return {"messages": [shown(row, language) for row in found], "links": links}


def _url(request: Request, pairs: list[tuple[str, str]]) -> str:
    return request.url.path + ("?" + urlencode(pairs) if pairs else "")


def shown(row: Mapping[str, Any], language: Language) -> dict[str, Any]:
    """A message of the journal as it is told: times as instants, issues with their texts."""
    told_issues = [told(issue, language) for issue in row["issues"]]
    times = {
        name: row[name].isoformat(timespec="milliseconds") if row[name] else None
        for name in ("received", "processed")
    }
    return {**row, **times, "issues": told_issues}


def _language(request: Request, default: Language) -> Language:
    return preferred_language(request.headers.get("accept-language"), default)


def _outcome(status: int, issues: Sequence[Issue], language: Language) -> Response:
    return _json(status, operation_outcome(issues, language))


def _json(status: int, content: Mapping[str, Any]) -> Response:
    return Response(encode_json(content), status, media_type="application/json")
