"""Routes that other packages bring: the entry point group `osteon.routes`.

Each entry names a function that takes the opened server and gives Starlette routes; so `ingest` shows its
journal here without being imported by name.
"""

from importlib.metadata import entry_points

from starlette.routing import BaseRoute

from fhir_server.interactions.server import FhirServer

GROUP = "osteon.routes"


def extension_routes(server: FhirServer) -> list[BaseRoute]:
    """The routes of all installed entries, in the order of their names."""
    found: list[BaseRoute] = []
    for entry in sorted(entry_points(group=GROUP), key=lambda entry: entry.name):
        found.extend(entry.load()(server))
    return found
