"""A path beside FHIR that leads nowhere, or a method that it does not take: an OperationOutcome, in the
client's language.
"""

from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import Response

from fhir_server.model.issues import Issue, Language, error, operation_outcome
from fhir_server.model.json_source import encode_json
from fhir_server.model.negotiation import preferred_language

Handler = Callable[[Request, Exception], Response]


def unknown_page(default: Language) -> Handler:
    """A handler of the router's refusals with status 404."""
    return lambda request, refusal: _answer(
        request, refusal, 404, error("path-not-found", "not-found"), default
    )


def wrong_method(default: Language) -> Handler:
    """A handler of the router's refusals with status 405, which name in `Allow` what the path takes."""
    return lambda request, refusal: _answer(
        request, refusal, 405,
        error("method-not-allowed", "not-supported", allowed=_headers(refusal).get("Allow", "")), default,
    )  # fmt: skip


def _answer(
    request: Request, refusal: Exception, status: int, issue: Issue, default: Language
) -> Response:
    language = preferred_language(request.headers.get("accept-language"), default)
    content = encode_json(operation_outcome([issue], language))
    return Response(content, status, _headers(refusal), media_type="application/fhir+json")


def _headers(refusal: Exception) -> dict[str, str]:
    return dict(getattr(refusal, "headers", None) or {})
