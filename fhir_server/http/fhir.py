"""The FHIR endpoint as one ASGI application: read the request, run the handler, send the reply.

Whatever a client does wrong ends in an OperationOutcome; whatever fails inside ends in a 500 with a
request id and nothing else.
"""

import time
import uuid
from dataclasses import replace

from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope, Send

from fhir_server.http import asynchronous
from fhir_server.http.access_log import correlation_headers, note_request
from fhir_server.http.binaries import is_native_read
from fhir_server.http.body import read_body
from fhir_server.http.call import Call
from fhir_server.http.creates import GroupedCreates
from fhir_server.http.faults import fault_of
from fhir_server.http.headers import check_single_headers, headers_by_name
from fhir_server.http.metrics import observe_interaction
from fhir_server.http.packing import packed
from fhir_server.http.parameters import check_parameters
from fhir_server.http.reads import CoalescedReads
from fhir_server.http.reply import Reply, outcome_reply
from fhir_server.http.routes import Found, find_route
from fhir_server.http.threads import InteractionThreads
from fhir_server.interactions.query import query_text
from fhir_server.interactions.server import FhirServer
from fhir_server.model.issues import Refused

FHIR_PATH = "/fhir"

_FOR_CACHES = {
    "Cache-Control": "private, no-cache",
    "Vary": "Accept, Accept-Encoding, Accept-Language, Prefer",
}
"""No cache on the way keeps a patient's data; the client's own asks whether its version is current.

Without them a cache may guess how long an answer with Last-Modified is good (RFC 9111 §4.2.2).
"""


class FhirEndpoint:
    """ASGI application below the FHIR base path."""

    def __init__(self, server: FhirServer, threads: InteractionThreads) -> None:
        self._server = server
        self._threads = threads
        self._reads = CoalescedReads(server, threads)
        self._creates = GroupedCreates(server)

    def close(self) -> None:
        """Give back what it holds of the database."""
        self._creates.close()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        began = time.perf_counter()
        request_id = str(uuid.uuid4())
        interaction = "none"
        has_body = False
        call = self._call(scope, b"")
        try:
            if len(call.headers) != len(scope["headers"]):
                check_single_headers(scope["headers"])
            path = scope["path"].removeprefix(FHIR_PATH)
            route = find_route(call.method, path)
            interaction = route.interaction
            content = await read_body(receive, call.headers, self._server.settings.max_body_bytes)
            has_body = True
            call = Call(self._server, call.method, route.path, call.query, call.headers, content)
            reply = await self._reply(call, route, path)
        except ClientDisconnect:
            return
        except Refused as refused:
            reply = outcome_reply(call, refused.status, refused.issues)
        except Exception as failure:
            reply = _failed(call, failure, request_id)
        if "expect" in call.headers and not has_body:
            # Its sender waits to be asked for the body, and now never sends it (RFC 9110 §10.1.1).
            reply = replace(reply, headers={**reply.headers, "Connection": "close"})
        seconds = time.perf_counter() - began
        observe_interaction(interaction, reply.status, seconds)
        if self._server.settings.access_log:
            note_request(
                request_id=request_id, method=call.method, interaction=interaction,
                resource_type=call.path.get("type"), query=call.query, status=reply.status,
                seconds=seconds, received=len(call.content), sent=len(reply.body),
            )  # fmt: skip
        await _send(send, call, reply, request_id)

    async def _reply(self, call: Call, route: Found, path: str) -> Reply:
        if self._reads.takes(route.interaction, call):
            return await self._reads.reply(call)
        if self._creates.takes(route.interaction, call):
            reply = await self._creates.reply(call)
            if reply is not None:
                return reply
        return await self._threads.run(lambda: _handle(call, route, path))

    def _call(self, scope: Scope, content: bytes) -> Call:
        query = query_text(scope["query_string"])
        headers = headers_by_name(scope["headers"])
        return Call(self._server, scope["method"], {}, query, headers, content)


def _handle(call: Call, route: Found, path: str) -> Reply:
    if not is_native_read(route.interaction, call):
        call.check_format()
    check_parameters(route.interaction, call)
    if route.interaction in asynchronous.TAKEN and call.wants_later:
        return asynchronous.start(call, path)
    return packed(route.handler(call), call.headers.get("accept-encoding"))


def _failed(call: Call, failure: Exception, request_id: str) -> Reply:
    status, issue = fault_of(failure, request_id)
    return outcome_reply(call, status, [issue])


async def _send(send: Send, call: Call, reply: Reply, request_id: str) -> None:
    correlation = correlation_headers(call.headers.get("x-request-id"))
    headers = {"X-Request-Id": request_id, **correlation, **reply.headers}
    if call.is_read:
        headers |= _FOR_CACHES
    if reply.status not in {204, 304}:
        headers["Content-Length"] = str(len(reply.body))
    raw = [
        (name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()
    ]
    await send({"type": "http.response.start", "status": reply.status, "headers": raw})
    body = b"" if call.method == "HEAD" else reply.body
    await send({"type": "http.response.body", "body": body})
