"""Bodies of requests, read under bounds: the size of each, the room of all, the time that each takes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from starlette.requests import Request

from fhir_server.model.issues import refuse
from fhir_server.settings import Settings
from ingest.transport.pace import Pace, pace_of
from ingest.transport.room import Room, Share


@dataclass(frozen=True, slots=True)
class Bodies:
    """The bounds that all bodies of a process share."""

    limit_bytes: int
    room: Room
    pace: Pace

    @classmethod
    def from_settings(cls, settings: Settings) -> "Bodies":
        """The bounds that the settings give; those of MLLP."""
        room = Room(settings.mllp_max_bytes_in_flight)
        return cls(settings.mllp_max_frame_bytes, room, pace_of(settings))

    @asynccontextmanager
    async def received(self, request: Request) -> AsyncIterator[bytes]:
        """The whole body, which has its place in the room until it is done with.

        Errors: Refused 413 where it is too large, 408 where it comes too slowly.
        """
        share = Share(self.room)
        try:
            yield await self._read(request, share)
        finally:
            share.hold(0)

    async def _read(self, request: Request, share: Share) -> bytes:
        pieces: list[bytes] = []
        spent_s = 0.0
        time = asyncio.get_running_loop().time
        stream = aiter(request.stream())
        while True:
            await share.wait()
            began = time()
            try:
                async with asyncio.timeout(self.pace.left_s(spent_s, share.held)):
                    piece = await anext(stream, None)
            except TimeoutError:
                raise refuse(408, "body-too-slow", "timeout") from None
            if piece is None:
                return b"".join(pieces)
            spent_s += time() - began
            share.hold(share.held + len(piece))
            if share.held > self.limit_bytes:
                raise refuse(413, "mllp-too-large", "too-long")
            pieces.append(piece)
