"""The web application: FHIR below `/fhir`, health, metrics and pages beside it."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from fastapi import FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send

from fhir_server import __version__
from fhir_server.http import guide, health, metrics, start_page
from fhir_server.http.access_log import PageLog
from fhir_server.http.background import BackgroundThread
from fhir_server.http.extensions import extension_routes
from fhir_server.http.faults import FaultBoundary
from fhir_server.http.fhir import FHIR_PATH, FhirEndpoint
from fhir_server.http.hosts import HostCheck
from fhir_server.http.no_page import unknown_page, wrong_method
from fhir_server.http.routes import ANY_PATH
from fhir_server.http.threads import InteractionThreads
from fhir_server.interactions.server import FhirServer

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]


def create_app(server: FhirServer, *, reindexes: bool = True) -> ASGIApp:
    """The application over an opened server; it closes the server when it ends.

    Shape: `reindexes` whether it works at reindex jobs beside the requests.
    """
    threads = InteractionThreads(server.settings.pool_size, server.settings.request_timeout_s)
    fhir = FhirEndpoint(server, threads)
    reindexing = BackgroundThread(server)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        if reindexes:
            reindexing.start()
        yield
        reindexing.stop()
        threads.close()
        fhir.close()
        server.close()

    pages: ASGIApp = _pages(server, lifespan)
    if server.settings.access_log:
        pages = PageLog(pages)
    return HostCheck(Application(fhir, pages), server.settings)


def _pages(server: FhirServer, lifespan: Lifespan) -> FastAPI:
    """What stands beside FHIR."""
    pages = FastAPI(
        title="Osteon", version=__version__, lifespan=lifespan, docs_url=None, redoc_url=None
    )
    pages.add_middleware(FaultBoundary)
    pages.add_exception_handler(404, unknown_page(server.settings.language))
    pages.add_exception_handler(405, wrong_method(server.settings.language))
    pages.router.routes.extend(
        [
            *health.routes(server),
            *metrics.routes(server),
            *extension_routes(server),
            *guide.routes(server),
            *start_page.routes(server),
        ]
    )
    return pages


class Application:
    """ASGI application: FHIR by itself, everything else by the web framework.

    The framework's layers cost a request as much as a read by id, and FHIR needs none of them: it has its
    own route table, faults and formats.
    """

    def __init__(self, fhir: ASGIApp, pages: ASGIApp) -> None:
        self._fhir = fhir
        self._pages = pages

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, or the life of the process."""
        is_fhir = scope["type"] == "http" and _is_of_fhir(scope["path"])
        await (self._fhir if is_fhir else self._pages)(scope, receive, send)


def _is_of_fhir(path: str) -> bool:
    # `*` is the server as a whole (RFC 9110 §9.3.7), of which FHIR says what it takes.
    return path in {FHIR_PATH, ANY_PATH} or path.startswith(f"{FHIR_PATH}/")
