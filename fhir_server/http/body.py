"""The body of a request, read under bounds: its size, its size once unpacked, and the time it takes."""

import asyncio
import zlib
from collections.abc import Mapping

from starlette.requests import ClientDisconnect
from starlette.types import Receive

from fhir_server.model.issues import refuse

PATIENCE_S = 30.0
SLOWEST_BYTES_PER_S = 20_000
"""A body may take PATIENCE_S, and a second more for each so many bytes that have come."""

_GZIP = 31
"""zlib's number for the gzip format with the largest window."""

MOST_MEMBERS = 20
"""A gzip stream is a series of members (RFC 1952 §2.2): some clients pack a body in pieces."""


async def read_body(receive: Receive, headers: Mapping[str, str], limit: int) -> bytes:
    """The whole body, unpacked.

    Errors: Refused 408 where it comes too slowly, 413 where it is larger than `limit`, packed or not, 415
    for an encoding other than gzip, 400 for a broken one; ClientDisconnect.
    """
    if "content-length" not in headers and "transfer-encoding" not in headers:
        # RFC 9112 §6.3: a request with neither has no body.
        return b""
    declared = headers.get("content-length", "0")
    if declared.isdigit() and int(declared) > limit:
        raise refuse(413, "body-too-large", "too-long", max=limit)
    encoding = headers.get("content-encoding", "identity").strip().lower()
    transferred = headers.get("transfer-encoding", "chunked").strip().lower()
    if encoding not in {"identity", "gzip", "x-gzip"} or transferred != "chunked":
        raise refuse(415, "content-encoding", "not-supported")
    packed = await _received(receive, limit)
    return packed if encoding == "identity" or not packed else _unpacked(packed, limit)


async def _received(receive: Receive, limit: int) -> bytes:
    loop = asyncio.get_running_loop()
    began = loop.time()
    chunks: list[bytes] = []
    size = 0
    while True:
        allowed_s = PATIENCE_S + size / SLOWEST_BYTES_PER_S
        try:
            async with asyncio.timeout_at(began + allowed_s):
                message = await receive()
        except TimeoutError:
            raise refuse(408, "body-too-slow", "timeout") from None
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > limit:
            raise refuse(413, "body-too-large", "too-long", max=limit)
        chunks.append(chunk)
        if not message.get("more_body", False):
            return b"".join(chunks)


def _unpacked(packed: bytes, limit: int) -> bytes:
    content = b""
    for _ in range(MOST_MEMBERS):
        reader = zlib.decompressobj(_GZIP)
        try:
            content += reader.decompress(packed, limit + 1 - len(content))
        except zlib.error:
            break
        if len(content) > limit:
            raise refuse(413, "body-too-large", "too-long", max=limit)
        if not reader.eof:
            break
        packed = reader.unused_data
        if not packed:
            return content
    raise refuse(400, "content-encoding-broken", "structure")
