"""The access log: a line for each request, with nothing that could name a patient.

No id of a path and no value of a parameter is in it: the interaction, the type, the names of the
parameters, and figures.
"""

import re
import time
import uuid
from collections.abc import Iterable
from urllib.parse import parse_qsl

import structlog
from starlette.types import Message, Receive, Scope, Send

from fhir_server.http.middleware import RequestMiddleware

MOST_NAMES = 50
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.:-]{0,63}")
_CORRELATION = re.compile(r"[A-Za-z0-9._:/+=-]{1,128}")

log = structlog.stdlib.get_logger("osteon.access")


def correlation_headers(sent: str | None) -> dict[str, str]:
    """The id that a client gave its request, to be sent back beside the server's own.

    Source: https://hl7.org/fhir/R4/http.html#custom
    """
    return {"X-Correlation-Id": sent} if sent and _CORRELATION.fullmatch(sent) else {}


def note_request(
    *,
    request_id: str,
    method: str,
    interaction: str,
    resource_type: str | None,
    query: str,
    status: int,
    seconds: float,
    received: int,
    sent: int,
) -> None:
    """Write the line of a request to the FHIR interface."""
    log.info(
        "request", request_id=request_id, method=method, interaction=interaction,
        type=resource_type, parameters=parameter_names(query), status=status,
        milliseconds=round(seconds * 1000, 1), bytes_in=received, bytes_out=sent,
    )  # fmt: skip


def parameter_names(query: str) -> list[str]:
    """The names of the parameters, in order; what looks like no name is shown as `?`."""
    pairs: Iterable[tuple[str, str]] = parse_qsl(query, keep_blank_values=True)
    names = (name if _NAME.fullmatch(name) else "?" for name, _ in pairs)
    return list(dict.fromkeys(names))[:MOST_NAMES]


class PageLog(RequestMiddleware):
    """The same line for the pages beside FHIR, by the first part of their path."""

    async def on_request(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        began = time.perf_counter()
        status = sent = 0

        async def counted(message: Message) -> None:
            nonlocal status, sent
            status = message.get("status", status)
            sent += len(message.get("body", b""))
            await send(message)

        try:
            await self._app(scope, receive, counted)
        finally:
            note_request(
                request_id=str(uuid.uuid4()), method=scope["method"],
                interaction="/" + scope["path"].strip("/").partition("/")[0][:32], resource_type=None,
                query=scope["query_string"].decode("latin-1"), status=status,
                seconds=time.perf_counter() - began, received=0, sent=sent,
            )  # fmt: skip
