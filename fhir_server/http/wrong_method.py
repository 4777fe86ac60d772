"""A method that a path beside FHIR does not take: an OperationOutcome, in the client's language."""

from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import Response

from fhir_server.model.issues import Language, error, operation_outcome
from fhir_server.model.json_source import encode_json
from fhir_server.model.negotiation import preferred_language


def wrong_method(default: Language) -> Callable[[Request, Exception], Response]:
    """A handler of the router's refusals with status 405, which name in `Allow` what the path takes."""

    def handle(request: Request, refusal: Exception) -> Response:
        headers = dict(getattr(refusal, "headers", None) or {})
        language = preferred_language(request.headers.get("accept-language"), default)
        issue = error("method-not-allowed", "not-supported", allowed=headers.get("Allow", ""))
        content = encode_json(operation_outcome([issue], language))
        return Response(content, 405, headers, media_type="application/fhir+json")

    return handle
