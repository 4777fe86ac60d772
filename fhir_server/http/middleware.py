"""ASGI middleware that looks at requests, and lets the life of the process pass."""

from abc import ABC, abstractmethod

from starlette.types import ASGIApp, Receive, Scope, Send


class RequestMiddleware(ABC):
    """Stands before an application and sees each request to it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, or the life of the process."""
        if scope["type"] == "http":
            await self.on_request(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    @abstractmethod
    async def on_request(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
