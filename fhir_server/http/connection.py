"""HTTP/1.1 connections with bounds: how large the head of a request may be, and how long it may take.

uvicorn's reader bounds neither: a head of any size is gathered in memory, and a client that sends a byte
a minute holds its connection for ever.
"""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from fhir_server.model.issues import Issue, error, operation_outcome
from fhir_server.model.json_source import encode_json

MAX_HEAD_BYTES = 64 * 1024
HEAD_TIMEOUT_S = 20.0
"""Within so long after it is opened, or after its last answer, a connection sends the head of a request."""


def _answer(status: bytes, issue: Issue) -> bytes:
    """What is answered before there is a request that could say which format and language it takes."""
    body = encode_json(operation_outcome([issue]))
    head = b"content-type: application/fhir+json; charset=utf-8\r\nconnection: close\r\ncontent-length: %d"
    return b"HTTP/1.1 " + status + b"\r\n" + head % len(body) + b"\r\n\r\n" + body


class BoundedProtocol(HttpToolsProtocol):
    """uvicorn's protocol with the bounds of this module."""

    def __init__(self, *arguments: Any, **keywords: Any) -> None:
        super().__init__(*arguments, **keywords)
        self._head_bytes = 0
        self._is_in_head = True
        self._deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn
        """See asyncio.Protocol."""
        super().connection_made(transport)
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """See asyncio.Protocol."""
        self._forget_deadline()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Count the bytes of the head; close the connection where they are too many."""
        if self._is_in_head:
            end = data.find(b"\r\n\r\n")
            self._head_bytes += len(data) if end < 0 else end
            if self._head_bytes > MAX_HEAD_BYTES:
                issue = error("head-too-large", "too-long", max_kib=MAX_HEAD_BYTES // 1024)
                self.transport.write(_answer(b"431 Request Header Fields Too Large", issue))
                self.transport.close()
                return
        super().data_received(data)

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 — uvicorn's words say less
        """What came is no HTTP."""
        self.transport.write(_answer(b"400 Bad Request", error("http-malformed", "structure")))
        self.transport.close()

    def on_headers_complete(self) -> None:
        """The head is there: what follows is the body, which the application bounds."""
        self._is_in_head = False
        self._forget_deadline()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """The request is there; the next head may follow."""
        self._head_bytes = 0
        self._is_in_head = True
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """The answer is sent; uvicorn's own keep-alive limit counts until the next byte comes."""
        super().on_response_complete()
        if not self.transport.is_closing():
            self._await_head()

    def _unsupported_upgrade_warning(self) -> None:
        """Nothing: many clients offer `Upgrade: h2c`, and are answered in HTTP/1.1 as they expect."""

    def _await_head(self) -> None:
        self._forget_deadline()
        self._deadline = self.loop.call_later(HEAD_TIMEOUT_S, self._give_up)

    def _give_up(self) -> None:
        if not self.transport.is_closing():
            self.transport.close()

    def _forget_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
