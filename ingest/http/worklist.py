"""The worklist: reasons for which messages are held, and their release."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from fhir_server.interactions.server import FhirServer
from fhir_server.model.issues import Language, refuse
from ingest.http.exchange import answered, json_answer
from ingest.http.query import refuse_parameters
from ingest.journal.issue_json import told
from ingest.journal.work_items import WorkItem, list_work_items, release
from ingest.maps import current_maps
from ingest.resolution import resolves


def routes(server: FhirServer) -> list[Route]:
    """The routes of the worklist."""

    def listed(request: Request, language: Language) -> Response:
        refuse_parameters(request)
        library = current_maps(server.settings).library
        with server.database.connection() as connection:
            items = list_work_items(connection)
        shown = [shown_item(item, language, resolved=resolves(library, item)) for item in items]
        return json_answer(200, {"items": shown})

    def released(request: Request, _language: Language) -> Response:
        wanted = request.path_params["id"]
        with server.database.transaction() as connection:
            item = next((one for one in list_work_items(connection) if one.id == wanted), None)
            if item is None:
                raise refuse(404, "ingest-work-item-unknown", "not-found")
            messages = release(connection, item)
        return json_answer(202, {"id": wanted, "replayed": messages})

    return [
        Route("/ingest/worklist", answered(server, listed), name="ingest-worklist"),
        Route(
            "/ingest/worklist/{id}/release",
            answered(server, released),
            methods=["POST"],
            name="ingest-release",
        ),
    ]


def shown_item(item: WorkItem, language: Language, *, resolved: bool) -> dict[str, Any]:
    """An item as it is told. Shape: `resolved` whether the present maps would let its messages pass."""
    issue = told({"severity": "error", "code": "processing", **item.issue}, language)
    return {
        "id": item.id,
        "reason": item.reason,
        "text": issue["text"],
        "hint": issue["hint"],
        "centre": item.centre,
        "parameters": dict(item.parameters),
        "messages": item.messages,
        "oldest": item.oldest.isoformat(timespec="milliseconds"),
        "newest": item.newest.isoformat(timespec="milliseconds"),
        "types": list(item.types),
        "resolved": resolved,
    }
