"""Bundles that answer: batch-response and transaction-response.

Resources are copied into them as the bytes they are stored in.
"""

import uuid
from collections.abc import Sequence
from typing import Literal

from fhir_server.interactions.answer import Answer, instant
from fhir_server.interactions.server import FhirServer
from fhir_server.model.issues import Language, operation_outcome
from fhir_server.model.json_source import encode_json

ReturnPreference = Literal["minimal", "representation", "OperationOutcome"]
"""Source: https://hl7.org/fhir/R4/http.html#ops (Prefer: return)"""

REASONS = {
    200: "OK", 201: "Created", 204: "No Content", 304: "Not Modified", 400: "Bad Request",
    404: "Not Found", 405: "Method Not Allowed", 409: "Conflict", 410: "Gone", 412: "Precondition Failed",
    413: "Payload Too Large", 415: "Unsupported Media Type", 422: "Unprocessable Entity",
    500: "Internal Server Error", 501: "Not Implemented", 503: "Service Unavailable",
}  # fmt: skip


def response_bundle(
    kind: Literal["batch-response", "transaction-response"],
    answers: Sequence[Answer],
    server: FhirServer,
    preference: ReturnPreference,
    language: Language = "en",
) -> bytes:
    """The Bundle of the answers, as JSON bytes, in their order."""
    return bundle_of_entries(
        kind, [response_entry(answer, server.base_url, preference, language) for answer in answers]
    )


def bundle_of_entries(
    kind: Literal["batch-response", "transaction-response"], entries: Sequence[bytes]
) -> bytes:
    """The Bundle of entries that `response_entry` has made, as JSON bytes."""
    entry_list = b',"entry":[' + b",".join(entries) + b"]" if entries else b""
    bundle_id = str(uuid.uuid4()).encode()
    return (
        b'{"resourceType":"Bundle","id":"' + bundle_id + b'","type":"' + kind.encode() + b'"'
        + entry_list + b"}"
    )  # fmt: skip


def response_entry(
    answer: Answer, base_url: str, preference: ReturnPreference, language: Language
) -> bytes:
    """The entry of one answer, as JSON bytes."""
    response: dict[str, object] = {
        "status": f"{answer.status} {REASONS.get(answer.status, '')}".strip()
    }
    parts: list[bytes] = []
    stored = answer.stored
    if stored is not None:
        parts.append(b'"fullUrl":' + encode_json(f"{base_url}/{stored.type}/{stored.id}"))
        response["location"] = f"{base_url}/{answer.location}"
        response["etag"] = answer.etag
        response["lastModified"] = instant(stored.updated)
    if answer.body is not None:
        parts.append(b'"resource":' + answer.body)
    elif stored is not None and stored.body is not None and preference == "representation":
        parts.append(b'"resource":' + stored.body)
    # Of a refusal it is the resource too: clients look for the reason in either place.
    if answer.issues or preference == "OperationOutcome":
        response["outcome"] = operation_outcome(list(answer.issues), language)
    parts.append(b'"response":' + encode_json(response))
    return b"{" + b",".join(parts) + b"}"
