"""`POST /hl7v2`: HL7 v2 over HTTP. The answer's body is the acknowledgement.

Source: HAPI's HL7 over HTTP specification, draft: ER7 bodies, every acknowledgement with status 200. Where it
has the character set of Content-Type win over MSH-18, a contradiction is refused here (AE), since the bytes
are kept as they came and must be readable later.
"""

import codecs

import psycopg
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from fhir_server.interactions.server import FhirServer
from fhir_server.model.issues import Language, Refused, refuse
from fhir_server.store.database import DatabaseUnavailableError
from ingest.hl7v2 import Hl7Fault
from ingest.hl7v2.charset import CODECS
from ingest.hl7v2.message import unframed
from ingest.http.bodies import Bodies
from ingest.http.exchange import answered_with_body
from ingest.journal.loading import answer_batch, load_messages, read_messages
from ingest.journal.reception import Channel, Reception, turned_away
from ingest.maps import current_maps

MEDIA_TYPE = "application/hl7-v2"
MEDIA_TYPES = frozenset(
    {"", MEDIA_TYPE, "application/hl7-v2+er7", "x-application/hl7-v2+er7", "text/plain"}
)
_UNAVAILABLE = Hl7Fault("ingest-journal-unavailable", 207)


def routes(server: FhirServer, bodies: Bodies) -> list[Route]:
    """The route that takes messages."""

    def take(request: Request, body: bytes, _language: Language) -> Response:
        channel = Channel(codec=_codec(request))
        host = request.client.host if request.client else "?"
        answer = _take(server, body, f"http {host}", channel)
        if answer is None:
            return Response(status_code=204)
        return Response(answer, 200, media_type=MEDIA_TYPE)

    handler = answered_with_body(server, bodies, take)
    return [Route("/hl7v2", handler, methods=["POST"], name="hl7-over-http")]


def _take(server: FhirServer, body: bytes, source: str, channel: Channel) -> bytes | None:
    reception = Reception(current_maps(server.settings).register)
    is_batch = unframed(body)[:3] in {b"FHS", b"BHS"}
    messages: tuple[bytes, ...] = (body,)
    if is_batch:
        file = read_messages(body)
        if file.faults:
            raise Refused(400, [fault.issue() for fault in file.faults])
        messages = file.messages
    try:
        with server.database.connection() as connection:
            loaded = load_messages(connection, reception, messages, source, channel)
            answers = [one.journalled.ack for one in loaded]
    except (DatabaseUnavailableError, psycopg.OperationalError):
        answers = [turned_away(raw, [_UNAVAILABLE]) for raw in messages]
    return answer_batch(answers) if is_batch else answers[0]


def _codec(request: Request) -> str | None:
    """The codec that Content-Type declares. Errors: Refused 415 for another type or an unknown one."""
    media_type, _, parameters = request.headers.get("content-type", "").partition(";")
    if media_type.strip().lower() not in MEDIA_TYPES:
        raise refuse(415, "ingest-media-type", "not-supported", expected=MEDIA_TYPE)
    for parameter in parameters.split(";"):
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "charset":
            codec = _known(value.strip().strip("\"'"))
            if codec is None:
                raise refuse(415, "ingest-media-type", "not-supported", expected=MEDIA_TYPE)
            return codec
    return None


def _known(charset: str) -> str | None:
    """The codec of a name of IANA's, as far as messages may be in it."""
    try:
        found = codecs.lookup(charset).name
    except (LookupError, ValueError):
        return None
    codec = {"iso8859-1": "latin-1"}.get(found, found)
    return codec if codec in CODECS.values() else None
