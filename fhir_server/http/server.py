"""One web process: uvicorn on a socket that the supervisor has opened and all web processes share."""

import os
import socket

import uvicorn

from fhir_server.collector import spare_what_stays
from fhir_server.http.app import create_app
from fhir_server.http.connection import BoundedProtocol
from fhir_server.interactions.server import open_server
from fhir_server.log_lines import configure_logging
from fhir_server.settings import load_settings
from fhir_server.store.database import Database

SOCKET_VARIABLE = "OSTEON_HTTP_SOCKET"
DRAIN_TIMEOUT_S = 1
"""How long requests under way may take when the process is asked to end."""


def main() -> None:
    """Answer HTTP until the process is asked to end."""
    settings = load_settings()
    configure_logging(settings)
    database = Database.from_settings(str(settings.database_url), settings)
    app = create_app(open_server(settings, database))
    spare_what_stays()
    config = uvicorn.Config(
        app,
        loop="uvloop",
        http=BoundedProtocol,
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=DRAIN_TIMEOUT_S,
    )
    listener = socket.socket(fileno=int(os.environ[SOCKET_VARIABLE]))
    uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main()
