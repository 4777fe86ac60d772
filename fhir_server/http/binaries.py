"""Binary resources in their own format: a PDF is sent and fetched as a PDF.

Source: https://hl7.org/fhir/R4/binary.html#rest
"""

import base64
import binascii
from typing import Any

from fhir_server.http.call import Call
from fhir_server.http.formats import FORMATS, media_type_of, not_acceptable
from fhir_server.http.reply import Reply, resource_reply
from fhir_server.interactions.answer import Answer
from fhir_server.model.json_source import parse_stored
from fhir_server.model.negotiation import preferred

_HARMLESS = {"X-Content-Type-Options": "nosniff", "Content-Security-Policy": "sandbox"}
"""A page that somebody stored here runs no script in the name of this server."""


def is_native_read(interaction: str, call: Call) -> bool:
    """Whether the content of a Binary itself may be what the client asks for."""
    is_of_binary = interaction in {"read", "vread"} and call.type == "Binary"
    return is_of_binary and not call.names_format


def binary_reply(call: Call, answer: Answer) -> Reply:
    """The Binary as its content where Accept prefers its type, else as a resource.

    Errors: Refused 406 where the client takes neither.
    """
    stored = answer.stored
    binary = parse_stored(stored.body) if stored is not None and stored.body is not None else {}
    content_type = str(binary.get("contentType", ""))
    own = media_type_of(content_type) if _is_header_value(content_type) else ""
    accepted = call.headers.get("accept")
    # `*/*` takes either: then the resource, which says more.
    offer = preferred(accepted, (*FORMATS, "text/html", own))
    if offer is None:
        raise not_acceptable()
    reply = resource_reply(call, answer)
    if not own or offer != own or reply.status == 304:
        return reply
    content = _content(binary)
    if content is None:
        return reply
    headers = {**reply.headers, **_HARMLESS, "Content-Type": content_type}
    context = str((binary.get("securityContext") or {}).get("reference", ""))
    if context and _is_header_value(context):
        headers["X-Security-Context"] = context
    return Reply(reply.status, content, headers)


def _is_header_value(text: str) -> bool:
    return text.isascii() and text.isprintable()


def _content(binary: dict[str, Any]) -> bytes | None:
    try:
        return base64.b64decode(str(binary.get("data", "")))
    except binascii.Error:
        return None
