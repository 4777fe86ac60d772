"""The journal over HTTP: what was received, what became of it, and what a person may do about it.

    GET  /ingest/messages?state=held&centre=C01&type=ADT_A01&reason=…&since=…&until=…&before=ID&count=50
    GET  /ingest/messages/{id}
    POST /ingest/messages/{id}/replay
    POST /ingest/messages/{id}/revisions      the corrected message as the body
    POST /ingest/replay?reason=…              a dry run, unless `dry-run=false`
    GET  /ingest/stats
    GET  /ingest/worklist
    POST /ingest/worklist/{id}/release
    POST /hl7v2                               a message, answered with its acknowledgement

Shape: `application/json`, newest first, `links` with the next page. Nothing of a message's content is
shown. Faults of a request are OperationOutcomes, in English or French by Accept-Language.
"""

from starlette.routing import Route

from fhir_server.interactions.server import FhirServer
from ingest.http import hl7_over_http, messages, statistics, worklist
from ingest.http.bodies import Bodies


def routes(server: FhirServer) -> list[Route]:
    """All routes of the ingest."""
    bodies = Bodies.from_settings(server.settings)
    return [
        *messages.routes(server, bodies),
        *statistics.routes(server),
        *worklist.routes(server),
        *hl7_over_http.routes(server, bodies),
    ]
