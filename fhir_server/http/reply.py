"""From an answer to what HTTP sends: status, headers, bytes."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC
from email.utils import format_datetime, parsedate_to_datetime
from typing import Any

from fhir_server.http.call import Call
from fhir_server.http.formats import JSON, XML, format_of_content, positions_in, written
from fhir_server.interactions.answer import Answer
from fhir_server.interactions.conditional_read import names_version
from fhir_server.interactions.patching.document import JSON_PATCH, XML_PATCH
from fhir_server.interactions.subset import check_elements, parse_subset, subset_body
from fhir_server.model.issues import Issue, operation_outcome
from fhir_server.model.json_source import encode_json
from fhir_server.model.locations import need_positions, with_positions
from fhir_server.store.resources import StoredResource

CONTENT_TYPES = {
    "json": f"{JSON}; charset=utf-8; fhirVersion=4.0",
    "xml": f"{XML}; charset=utf-8; fhirVersion=4.0",
}

ACCEPT_PATCH = ", ".join((JSON_PATCH, XML_PATCH, JSON, XML))


@dataclass(frozen=True, slots=True)
class Reply:
    """What is sent back."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


def resource_reply(call: Call, answer: Answer) -> Reply:
    """The reply that speaks of one version: its tag and time, its place, its content as preferred."""
    headers: dict[str, str] = {}
    stored = answer.stored
    if stored is not None and answer.etag is not None:
        headers["ETag"] = answer.etag
        headers["Last-Modified"] = format_datetime(stored.updated, usegmt=True)
        if not call.is_read and answer.status != 204:
            headers["Location"] = f"{call.server.base_url}/{answer.location}"
        if call.is_read and _is_known(call, stored):
            return Reply(304, headers=headers)
    if answer.status == 204 or stored is None or stored.body is None:
        return Reply(answer.status, headers=headers)
    if call.is_read:
        part = parse_subset(call.pairs)
        if not call.is_lenient:
            check_elements(call.server.definitions, part.elements, stored.type)
        body = subset_body(call.server.definitions, part, stored.body)
        return _content(call, answer.status, body, headers)
    preference = call.returns("representation")
    if preference == "minimal":
        return Reply(answer.status, headers=headers)
    if preference == "OperationOutcome":
        outcome = encode_json(operation_outcome(list(answer.issues), call.language))
        return _content(call, answer.status, outcome, headers)
    return _content(call, answer.status, stored.body, headers)


def bundle_reply(call: Call, answer: Answer) -> Reply:
    """The reply whose content the interaction has made."""
    return _content(call, answer.status, answer.body or b"", {})


def parameters_reply(call: Call, content: dict[str, Any]) -> Reply:
    """A Parameters resource; without `parameter` where there is none, for FHIR has no empty lists."""
    filled = {name: value for name, value in content.items() if value != []}
    return bundle_reply(call, Answer(200, body=encode_json(filled)))


def outcome_reply(call: Call, status: int, issues: Sequence[Issue]) -> Reply:
    """An OperationOutcome; its issues with line and column where they are about the content sent."""
    located = _located(call, issues)
    outcome = encode_json(operation_outcome(located, call.language))
    headers = {"Retry-After": "1"} if status in {429, 503, 504} else {}
    if status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    if status == 408:
        # What is left of the request would be taken for the next one's head.
        headers["Connection"] = "close"
    if status == 415 and call.method == "PATCH":
        headers["Accept-Patch"] = ACCEPT_PATCH
    if status == 405:
        headers["Allow"] = str(issues[0].parameters["allowed"])
    return _content(call, status, outcome, headers)


def _content(call: Call, status: int, body: bytes, headers: dict[str, str]) -> Reply:
    types = call.server.definitions.type_model
    content = written(body, call.format, types, pretty=call.is_pretty)
    return Reply(status, content, {**headers, "Content-Type": CONTENT_TYPES[call.format]})


def _is_known(call: Call, stored: StoredResource) -> bool:
    """Whether the client has this version."""
    tags = call.headers.get("if-none-match")
    if tags is not None:
        return names_version(tags, stored.version)
    since = call.headers.get("if-modified-since")
    if since is None:
        return False
    try:
        known = parsedate_to_datetime(since)
    except ValueError:
        return False
    # A date of HTTP has whole seconds.
    return stored.updated.replace(microsecond=0) <= known.replace(tzinfo=known.tzinfo or UTC)


def _located(call: Call, issues: Sequence[Issue]) -> list[Issue]:
    kind = format_of_content(call.media_type)
    if not call.content or kind is None or not need_positions(issues):
        return list(issues)
    positions = positions_in(call.content, kind, call.server.definitions.type_model)
    return list(issues) if positions is None else with_positions(issues, positions)
