"""Requests and answers of the ingest's own routes."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from fhir_server.interactions.server import FhirServer
from fhir_server.model.issues import Issue, Language, Refused, operation_outcome
from fhir_server.model.json_source import encode_json
from fhir_server.model.negotiation import preferred_language
from ingest.http.bodies import Bodies

Work = Callable[[Request, Language], Response]
WorkOnBody = Callable[[Request, bytes, Language], Response]


def answered(server: FhirServer, work: Work) -> Callable[[Request], Response]:
    """A handler: in the client's language, with refusals as OperationOutcomes."""

    def handle(request: Request) -> Response:
        language = language_of(request, server.settings.language)
        try:
            return work(request, language)
        except Refused as refused:
            return outcome(refused.status, refused.issues, language)

    return handle


def answered_with_body(
    server: FhirServer, bodies: Bodies, work: WorkOnBody
) -> Callable[[Request], Awaitable[Response]]:
    """The same for requests with a body, read under bounds; the work runs in a thread."""

    async def handle(request: Request) -> Response:
        language = language_of(request, server.settings.language)
        try:
            async with bodies.received(request) as body:
                return await run_in_threadpool(work, request, body, language)
        except Refused as refused:
            return outcome(refused.status, refused.issues, language)

    return handle


def language_of(request: Request, default: Language) -> Language:
    """The language of the answer."""
    return preferred_language(request.headers.get("accept-language"), default)


def outcome(status: int, issues: Sequence[Issue], language: Language) -> Response:
    """An OperationOutcome."""
    return json_answer(status, operation_outcome(issues, language))


def json_answer(status: int, content: Mapping[str, Any]) -> Response:
    """JSON, numbers as they are."""
    return Response(encode_json(content), status, media_type="application/json")
