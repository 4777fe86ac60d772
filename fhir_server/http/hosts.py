"""The hosts that requests may be addressed to.

A page of another site that has its own name lead to this machine (DNS rebinding) sends that name in Host,
and would otherwise read what a browser here may read.

Source: RFC 9110 §7.2 (Host), RFC 9112 §3.2
"""

from starlette.types import ASGIApp, Receive, Scope, Send

from fhir_server.http.faults import send_outcome
from fhir_server.http.middleware import RequestMiddleware
from fhir_server.model.issues import error
from fhir_server.settings import Settings


class HostCheck(RequestMiddleware):
    """Requests to other hosts are answered 400, as are those to several and, in HTTP/1.1, to none."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        super().__init__(app)
        self._allowed = {name.encode() for name in settings.allowed_host_names}

    async def on_request(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if self._is_allowed(scope):
            await self._app(scope, receive, send)
        else:
            await send_outcome(send, 400, error("host-not-allowed", "security"))

    def _is_allowed(self, scope: Scope) -> bool:
        named = [value for name, value in scope["headers"] if name == b"host"]
        if not named:
            return bool(scope["http_version"] == "1.0")
        return len(named) == 1 and host_name(named[0]) in self._allowed


def host_name(host: bytes) -> bytes:
    """The name of a Host header, in lower case, without the port."""
    name, colon, port = host.rpartition(b":")
    return (name if colon and port.isdigit() else host).lower()
