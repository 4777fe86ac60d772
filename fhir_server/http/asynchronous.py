"""`Prefer: respond-async`: a request is taken, carried out by another process, and asked after.

The request is answered 202 with the place of its status. The status answers 202 while the request waits or
runs, then what came of it: a Bundle of type batch-response with one entry, or the OperationOutcome that the
request was refused with. Who knows the place may look; nobody can guess it.

Source: FHIR R4 http://hl7.org/fhir/R4/async.html; for answers that are no bulk data, FHIR R5
http://hl7.org/fhir/R5/async-bundle.html; RFC 7240 §4.1
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from typing import Any

from fhir_server.http.call import FORM, Call
from fhir_server.http.formats import media_type_of
from fhir_server.http.reply import Reply, bundle_reply, outcome_reply
from fhir_server.interactions.answer import Answer, instant
from fhir_server.interactions.bundle_response import REASONS, bundle_of_entries
from fhir_server.interactions.operations.reindex import cancel_reindex, described
from fhir_server.interactions.resumption import Resumption
from fhir_server.interactions.server import FhirServer
from fhir_server.model.issues import Issue, refuse
from fhir_server.model.json_source import encode_json
from fhir_server.store.background_jobs import (
    RESULT,
    BackgroundJob,
    count_steps,
    forget_background_job,
    jobs_before,
    read_background_job,
    read_part,
    request_background_job,
)
from fhir_server.store.database import Connection
from fhir_server.store.reindex_jobs import ReindexJob, read_job

KIND = "request"

TAKEN = frozenset({
    "search-type", "search-system", "search-compartment",
    "history-instance", "history-type", "history-system",
    "batch-transaction", "$everything", "$lastn", "$expand", "$validate",
})  # fmt: skip
"""The interactions that may be asked for so; on others the preference is ignored, as RFC 7240 allows.
`$reindex` is always a job and answers with its place by itself."""

_KEPT_HEADERS = frozenset({"content-type", "prefer", "accept-language"})
_PAUSES_S = ((10.0, 1), (60.0, 5), (float("inf"), 20))
"""How long to wait before asking again, by how long it has been waited."""


def start(call: Call, path: str) -> Reply:
    """Take the request of a call for later. Errors: Refused 429 where too many wait."""
    asked = {
        "method": "GET" if call.method == "HEAD" else call.method,
        "path": path,
        "parts": dict(call.path),
        "query": call.query,
        "headers": {k: v for k, v in call.headers.items() if k in _KEPT_HEADERS},
    }
    with call.server.database.connection() as connection:
        job_id = request_background_job(
            connection, KIND, asked, call.content, most_open=call.server.settings.job_queue
        )
    if job_id is None:
        raise refuse(429, "too-many-jobs", "throttled")
    return accepted(call, job_id)


def accepted(call: Call, job_id: str) -> Reply:
    """The answer to a request that was taken: where its status is."""
    reply = outcome_reply(call, 202, [Issue("job-accepted", "information", "informational")])
    place = f"{call.server.base_url}/_async/{job_id}"
    return replace(
        reply,
        headers={
            **reply.headers,
            "Content-Location": place,
            "Preference-Applied": "respond-async",
            "Retry-After": "1",
        },
    )


def read_request(
    server: FhirServer, asked: Mapping[str, Any], content: bytes, resumption: Resumption
) -> tuple[Call, str]:
    """The call that `start` took, to be answered in JSON, and its path below the FHIR base."""
    headers = {**asked["headers"], "accept": "application/fhir+json"}
    if media_type_of(headers.get("content-type", "")) == FORM:
        content = _without_format(content.decode("latin-1")).encode("latin-1")
    call = Call(
        server, asked["method"], asked["parts"], _without_format(asked["query"]), headers, content,
        resumption,
    )  # fmt: skip
    return call, asked["path"]


def status(call: Call) -> Reply:
    """GET /_async/id."""
    with call.server.database.connection() as connection:
        job = read_background_job(connection, call.id)
        if job is None:
            return _reindex_status(call, connection)
        if job.is_open:
            return _waiting(call, _progress(connection, job), job.requested)
        body = read_part(connection, job.id, RESULT)
    assert job.ended is not None  # noqa: S101 — it is not open
    expires = job.ended + timedelta(seconds=call.server.settings.job_kept_s)
    return _ended(call, job.outcome or {}, body, expires)


def cancel(call: Call) -> Reply:
    """DELETE /_async/id: called off where it has not ended; what came of it is forgotten."""
    with call.server.database.connection() as connection:
        if not forget_background_job(connection, call.id):
            if read_job(connection, call.id) is None:
                raise refuse(404, "job-unknown", "not-found")
            cancel_reindex(connection, call.id)
    return outcome_reply(call, 202, [Issue("job-cancelled", "information", "informational")])


def _progress(connection: Connection, job: BackgroundJob) -> str:
    if job.state == "queued":
        return f"queued, {jobs_before(connection, job)} before it"
    if job.total:
        return f"{count_steps(connection, job.id)} of {job.total} entries"
    return "running"


def _waiting(call: Call, progress: str, requested: datetime) -> Reply:
    waited_s = (datetime.now(UTC) - requested).total_seconds()
    pause_s = next(pause for until, pause in _PAUSES_S if waited_s < until)
    reply = outcome_reply(call, 202, [Issue("job-waits", "information", "informational")])
    headers = {**reply.headers, "X-Progress": progress, "Retry-After": str(pause_s)}
    return replace(reply, headers=headers)


def _ended(call: Call, outcome: Mapping[str, Any], body: bytes | None, expires: datetime) -> Reply:
    number = int(outcome["status"])
    headers: Mapping[str, str] = outcome.get("headers", {})
    if number >= 400:
        reply = _failed(call, number, body)
    else:
        reply = bundle_reply(call, Answer(200, body=_batch_response(number, headers, body)))
    return replace(
        reply, headers={**reply.headers, "Expires": format_datetime(expires, usegmt=True)}
    )


def _failed(call: Call, number: int, body: bytes | None) -> Reply:
    if body:
        return bundle_reply(call, Answer(number, body=body))
    return outcome_reply(call, number, [Issue("job-gave-up", "error", "exception")])


def _batch_response(number: int, headers: Mapping[str, str], body: bytes | None) -> bytes:
    response: dict[str, str] = {"status": f"{number} {REASONS.get(number, '')}".strip()}
    named = {"Location": "location", "ETag": "etag"}
    response |= {named[k]: v for k, v in headers.items() if k in named}
    if "Last-Modified" in headers:
        response["lastModified"] = instant(parsedate_to_datetime(headers["Last-Modified"]))
    resource = b'"resource":' + body + b"," if body else b""
    return bundle_of_entries(
        "batch-response", [b"{" + resource + b'"response":' + encode_json(response) + b"}"]
    )


def _reindex_status(call: Call, connection: Connection) -> Reply:
    """The status of a job of `$reindex`, in the same form."""
    job = read_job(connection, call.id)
    if job is None or job.state == "cancelled":
        raise refuse(404, "job-unknown", "not-found")
    if job.ended is None:
        return _waiting(call, _reindex_progress(job), job.requested)
    body = encode_json(described(connection, job))
    return bundle_reply(call, Answer(200, body=_batch_response(200, {}, body)))


def _reindex_progress(job: ReindexJob) -> str:
    return "queued" if job.total is None else f"{job.processed} of {job.total} resources"


def _without_format(query: str) -> str:
    """The query without what says how the answer looks: that is said when it is fetched."""
    pairs = [
        pair for pair in query.split("&") if pair.partition("=")[0] not in {"_format", "_pretty"}
    ]
    return "&".join(pairs)
