"""Messages of the journal: lists, single ones, replays and revisions."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from fhir_server.interactions.server import FhirServer
from fhir_server.model.issues import Language, Refused, error, refuse
from ingest.http.bodies import Bodies
from ingest.http.exchange import answered, answered_with_body, json_answer
from ingest.http.query import Page, is_number, read_flag, read_page, read_selection
from ingest.journal.issue_json import told
from ingest.journal.listing import find_message, list_messages
from ingest.journal.reception import Reception
from ingest.journal.replay import ReplayCount, count_replayable, replay
from ingest.journal.revision import revise
from ingest.journal.selection import Selection
from ingest.maps import current_maps

TIMES = ("received", "processed")


def routes(server: FhirServer, bodies: Bodies) -> list[Route]:
    """The routes of messages."""

    def listed(request: Request, language: Language) -> Response:
        wanted = read_page(request)
        with server.database.connection() as connection:
            found = list_messages(
                connection, wanted.selection, before=wanted.before, count=wanted.count
            )
        return json_answer(200, _page(request, wanted, found, language))

    def single(request: Request, language: Language) -> Response:
        return json_answer(200, shown(_find(server, _id(request)), language))

    def replayed(request: Request, language: Language) -> Response:
        return json_answer(202, shown(_replay_one(server, _id(request)), language))

    def revised(request: Request, body: bytes, language: Language) -> Response:
        revision = _revise(server, _id(request), body)
        answer = json_answer(201, shown(_find(server, revision), language))
        answer.headers["Location"] = f"/ingest/messages/{revision}"
        return answer

    def replayed_many(request: Request, _language: Language) -> Response:
        selection = read_selection(request, ("dry-run",))
        is_dry = read_flag(request, "dry-run", default=True)
        return json_answer(200 if is_dry else 202, _replay_many(server, selection, is_dry=is_dry))

    one = "/ingest/messages/{id}"
    return [
        Route("/ingest/messages", answered(server, listed), name="ingest-messages"),
        Route(one, answered(server, single), name="ingest-message"),
        Route(
            f"{one}/replay", answered(server, replayed), methods=["POST"], name="ingest-replay-one"
        ),
        Route(
            f"{one}/revisions",
            answered_with_body(server, bodies, revised),
            methods=["POST"],
            name="ingest-revise",
        ),
        Route(
            "/ingest/replay",
            answered(server, replayed_many),
            methods=["POST"],
            name="ingest-replay",
        ),
    ]


def _id(request: Request) -> int:
    given = request.path_params["id"]
    if not is_number(given):
        raise Refused(404, [error("ingest-message-unknown", "not-found")])
    return int(given)


def _find(server: FhirServer, message_id: int) -> dict[str, Any]:
    with server.database.connection() as connection:
        row = find_message(connection, message_id)
    if row is None:
        raise Refused(404, [error("ingest-message-unknown", "not-found")])
    return row


def _replay_one(server: FhirServer, message_id: int) -> dict[str, Any]:
    row = _find(server, message_id)
    if row["state"] == "received":
        raise refuse(409, "ingest-message-waits", "conflict", id=message_id)
    with server.database.connection() as connection:
        # Whoever names a message means it, also one that was rejected.
        selection = Selection(ids=[message_id], states=["stored", "held", "ignored", "rejected"])
        if not replay(connection, selection):
            raise refuse(
                409, "ingest-not-replayable", "conflict", id=message_id, state=row["state"]
            )
    return _find(server, message_id)


def _revise(server: FhirServer, message_id: int, body: bytes) -> int:
    reception = Reception(current_maps(server.settings).register)
    with server.database.connection() as connection:
        return revise(connection, reception, message_id, body, f"revision of {message_id}")


def _replay_many(server: FhirServer, selection: Selection, *, is_dry: bool) -> dict[str, Any]:
    with server.database.transaction() as connection:
        counts = count_replayable(connection, selection)
        replayed = 0 if is_dry else replay(connection, selection)
    return {
        "dryRun": is_dry,
        "replayed": replayed,
        "messages": sum(one.messages for one in counts),
        "by": [shown_count(one) for one in counts],
    }


def shown_count(one: ReplayCount) -> dict[str, Any]:
    """One line of what a replay takes."""
    return {
        "centre": one.centre,
        "state": one.state,
        "messages": one.messages,
        "first": one.first.isoformat(timespec="milliseconds"),
        "last": one.last.isoformat(timespec="milliseconds"),
    }


def shown(row: Mapping[str, Any], language: Language) -> dict[str, Any]:
    """A message of the journal as it is told: times as instants, issues with their texts."""
    told_issues = [told(issue, language) for issue in row["issues"]]
    times = {
        name: row[name].isoformat(timespec="milliseconds") if row[name] else None for name in TIMES
    }
    return {**row, **times, "issues": told_issues}


def _page(
    request: Request, wanted: Page, found: list[dict[str, Any]], language: Language
) -> Mapping[str, Any]:
    links = [{"relation": "self", "url": _url(request, request.query_params.multi_items())}]
    if len(found) == wanted.count:
        kept = [pair for pair in request.query_params.multi_items() if pair[0] != "before"]
        url = _url(request, [*kept, ("before", str(found[-1]["id"]))])
        links.append({"relation": "next", "url": url})
    return {"messages": [shown(row, language) for row in found], "links": links}


def _url(request: Request, pairs: list[tuple[str, str]]) -> str:
    return request.url.path + ("?" + urlencode(pairs) if pairs else "")
