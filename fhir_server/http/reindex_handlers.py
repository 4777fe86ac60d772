"""$reindex over HTTP: a job is asked for, looked at, and called off."""

from dataclasses import replace

from fhir_server.http.asynchronous import accepted
from fhir_server.http.call import Call
from fhir_server.http.reply import Reply, bundle_reply, parameters_reply
from fhir_server.interactions.answer import Answer
from fhir_server.interactions.operations.operator import check_operator, leave_trace
from fhir_server.interactions.operations.reindex import (
    cancel_reindex,
    described,
    reindex_jobs,
    reindex_status,
    request_reindex,
)
from fhir_server.interactions.writing.write import run_write
from fhir_server.model.issues import refuse
from fhir_server.model.json_source import encode_json
from fhir_server.store.reindex_jobs import ReindexJob
from fhir_server.store.resources import Connection


def start(call: Call) -> Reply:
    """POST /$reindex, /Type/$reindex, /SearchParameter/id/$reindex."""
    check_operator(call.server, call.headers.get("authorization"))
    content = call.resource if call.content else None

    def work(connection: Connection) -> tuple[ReindexJob, Answer]:
        job = request_reindex(
            call.server, connection, call.pairs, content, call.path.get("type"), call.path.get("id")
        )
        _leave_trace(call, connection, job.id, "asked for")
        return job, Answer(202, body=encode_json(described(connection, job)))

    job, answer = run_write(call.server, work)
    if call.wants_later:
        return accepted(call, job.id)
    reply = bundle_reply(call, answer)
    place = f"{call.server.base_url}/$reindex?job={job.id}"
    return replace(reply, headers={**reply.headers, "Content-Location": place})


def status(call: Call) -> Reply:
    """GET /$reindex, /$reindex?job=…."""
    check_operator(call.server, call.headers.get("authorization"))
    with call.server.database.connection() as connection:
        is_of_one = bool(call.pairs)
        content = (
            reindex_status(connection, _job_id(call)) if is_of_one else reindex_jobs(connection)
        )
    return parameters_reply(call, content)


def cancel(call: Call) -> Reply:
    """DELETE /$reindex?job=…."""
    check_operator(call.server, call.headers.get("authorization"))
    job_id = _job_id(call)

    def work(connection: Connection) -> None:
        cancel_reindex(connection, job_id)
        _leave_trace(call, connection, job_id, "called off")

    run_write(call.server, work)
    return Reply(204)


def _leave_trace(call: Call, connection: Connection, job_id: str, done: str) -> None:
    leave_trace(
        call.server, connection, "$reindex", action="E", target=f"$reindex?job={job_id}",
        details={"job": done},
    )  # fmt: skip


def _job_id(call: Call) -> str:
    for name, value in call.pairs:
        if name != "job":
            raise refuse(400, "operation-parameter-unknown", "not-supported", f"http.{name[:64]}",
                         name=name[:64], allowed="job")  # fmt: skip
        return value
    raise refuse(400, "reindex-job-missing", "required")
