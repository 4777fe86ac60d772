"""The web application: FHIR below `/fhir`, health, metrics and pages beside it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from starlette.routing import Mount, Route

from fhir_server import __version__
from fhir_server.http import guide, health, metrics, start_page
from fhir_server.http.background import ReindexThread
from fhir_server.http.extensions import extension_routes
from fhir_server.http.faults import FaultBoundary
from fhir_server.http.fhir import FHIR_PATH, FhirEndpoint
from fhir_server.http.threads import InteractionThreads
from fhir_server.interactions.server import FhirServer


def create_app(server: FhirServer, *, reindexes: bool = True) -> FastAPI:
    """The application over an opened server; it closes the server when it ends.

    Shape: `reindexes` whether it works at reindex jobs beside the requests.
    """
    threads = InteractionThreads(server.settings.pool_size, server.settings.request_timeout_s)
    endpoint = FhirEndpoint(server, threads)
    reindexing = ReindexThread(server)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        if reindexes:
            reindexing.start()
        yield
        reindexing.stop()
        threads.close()
        server.close()

    app = FastAPI(
        title="Osteon", version=__version__, lifespan=lifespan, docs_url=None, redoc_url=None
    )
    app.add_middleware(FaultBoundary)
    app.router.routes.extend(
        [
            Route(FHIR_PATH, endpoint=endpoint, name="fhir-base"),
            Mount(FHIR_PATH, app=endpoint, name="fhir"),
            *health.routes(server),
            *metrics.routes(server),
            *extension_routes(server),
            *guide.routes(server),
            *start_page.routes(server),
        ]
    )
    return app
