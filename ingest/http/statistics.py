"""`GET /ingest/stats`: the journal in numbers, per centre."""

from datetime import UTC, datetime, timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from fhir_server.interactions.server import FhirServer
from fhir_server.model.issues import Language
from ingest.http.exchange import answered, json_answer
from ingest.http.query import refuse_parameters
from ingest.journal.record import STATES
from ingest.journal.statistics import UNKNOWN, CentreStatistics, centre_statistics
from ingest.maps import current_maps


def routes(server: FhirServer) -> list[Route]:
    """The route of the numbers."""

    def stats(request: Request, _language: Language) -> Response:
        refuse_parameters(request)
        now = datetime.now(UTC)
        centres = list(current_maps(server.settings).register.centres)
        with server.database.connection() as connection:
            found = centre_statistics(
                connection, centres, silence_alert_s=server.settings.silence_alert_s, now=now
            )
        return json_answer(200, {"centres": [shown_centre(one, now) for one in found]})

    return [Route("/ingest/stats", answered(server, stats), name="ingest-stats")]


def shown_centre(one: CentreStatistics, now: datetime) -> dict[str, Any]:
    """A centre's numbers as they are told. Units: rates are messages received."""
    hour = now.replace(minute=0, second=0, microsecond=0)
    day = one.received_since(hour - timedelta(hours=24))
    return {
        "centre": one.centre or UNKNOWN,
        "messages": sum(one.states.values()),
        "states": {state: one.states.get(state, 0) for state in STATES},
        "received": {
            "thisHour": one.received_since(hour),
            "previousHour": one.received_since(hour - timedelta(hours=1))
            - one.received_since(hour),
            "last24Hours": day,
            "perHour": round(day / ((now - hour).total_seconds() / 3600 + 24), 2),
        },
        "lastMessage": _told(one.last),
        "oldestHeld": _told(one.oldest_held),
        "oldestWaiting": _told(one.oldest_waiting),
        "silent": one.silent,
    }


def _told(moment: datetime | None) -> str | None:
    return moment.isoformat(timespec="milliseconds") if moment else None
