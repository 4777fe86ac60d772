"""What failed inside, as a client may see it: a status and an issue; the log has its kind and place.

The message of an exception may quote a value of a patient, so neither shows it.
"""

import uuid

import psycopg
import structlog
from starlette.types import Message, Receive, Scope, Send

from fhir_server.http.middleware import RequestMiddleware
from fhir_server.model.issues import Issue, error, operation_outcome
from fhir_server.model.json_source import encode_json
from fhir_server.store.database import DatabaseUnavailableError
from fhir_server.store.deadline import DeadlineError

log = structlog.stdlib.get_logger("osteon.http")


def fault_of(failure: Exception, request_id: str) -> tuple[int, Issue]:
    """The status and the issue of a failure: 504 where its time was over, 503 where the database is
    gone, 422 where what is stored nests deeper than can be gone through, else 500.
    """
    if isinstance(failure, psycopg.errors.QueryCanceled | DeadlineError):
        log.warning("statement timed out", request_id=request_id)
        return 504, error("statement-timeout", "timeout")
    if isinstance(failure, DatabaseUnavailableError | psycopg.OperationalError):
        log.warning("store unavailable", request_id=request_id, kind=type(failure).__name__)
        return 503, error("store-unavailable", "transient")
    if isinstance(failure, RecursionError):
        log.warning("content nests too deeply", request_id=request_id)
        return 422, error("content-beyond-reach", "too-costly")
    frame = failure.__traceback__
    while frame is not None and frame.tb_next is not None:
        frame = frame.tb_next
    place = (
        f"{frame.tb_frame.f_code.co_filename.rpartition('/')[2]}:{frame.tb_lineno}" if frame else ""
    )
    log.error("request failed", request_id=request_id, kind=type(failure).__name__, place=place)
    return 500, error("internal-error", "exception", request_id=request_id)


class FaultBoundary(RequestMiddleware):
    """For the routes beside FHIR: what fails there ends in an OperationOutcome too."""

    async def on_request(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        has_begun = False

        async def watched(message: Message) -> None:
            nonlocal has_begun
            has_begun = True
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except Exception as failure:
            request_id = str(uuid.uuid4())
            status, issue = fault_of(failure, request_id)
            if not has_begun:
                await send_outcome(send, status, issue, request_id)


async def send_outcome(send: Send, status: int, issue: Issue, request_id: str = "") -> None:
    """Answer with an OperationOutcome, in JSON and English: before format and language are known."""
    request_id = request_id or str(uuid.uuid4())
    body = encode_json(operation_outcome([issue]))
    headers = [
        (b"content-type", b"application/fhir+json; charset=utf-8"),
        (b"content-length", str(len(body)).encode()),
        (b"x-request-id", request_id.encode()),
    ]
    if status in {503, 504}:
        headers.append((b"retry-after", b"1"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
