"""The implementation guide at `/guide`, built when it is first asked for."""

import asyncio
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Receive, Scope, Send

from fhir_server.guide.built import built_site
from fhir_server.http.parts import ServerParts
from fhir_server.http.start_page import language_of

GUIDE_PATH = "/guide"
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}


def routes(parts: ServerParts) -> list[BaseRoute]:
    """The guide, and its front door, which leads to the language a reader asks for."""

    def front_door(request: Request) -> Response:
        language = language_of(request, parts.settings)
        address = f"{GUIDE_PATH}/{language}/index.html"
        return RedirectResponse(address, 307, headers={"Vary": "Accept-Language"})

    return [
        Route(GUIDE_PATH, front_door, methods=["GET"], name="guide-front-door"),
        Route(f"{GUIDE_PATH}/", front_door, methods=["GET"], name="guide-start"),
        Mount(GUIDE_PATH, app=GuideSite(parts.settings.data_dir), name="guide"),
    ]


class GuideSite:
    """Serves the built site; those who ask while it is built wait for it."""

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir
        self._pages: _Pages | None = None
        self._building = asyncio.Lock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        async with self._building:
            if self._pages is None:
                folder = await asyncio.to_thread(built_site, self._data_dir)
                self._pages = _Pages(directory=folder)
        await self._pages(scope, receive, send)


class _Pages(StaticFiles):
    def file_response(self, *args: Any, **kwargs: Any) -> Response:
        response = super().file_response(*args, **kwargs)
        response.headers.update(_HEADERS)
        return response
