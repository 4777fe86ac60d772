"""$reindex over HTTP: a job is asked for, looked at, and called off."""

from dataclasses import replace

from fhir_server.http.asynchronous import accepted
from fhir_server.http.call import Call
from fhir_server.http.reply import Reply, bundle_reply, parameters_reply
from fhir_server.interactions.answer import Answer
from fhir_server.interactions.operations.reindex import (
    cancel_reindex,
    described,
    reindex_jobs,
    reindex_status,
    request_reindex,
)
from fhir_server.model.issues import refuse
from fhir_server.model.json_source import encode_json


def start(call: Call) -> Reply:
    """POST /$reindex, /Type/$reindex, /SearchParameter/id/$reindex."""
    content = call.resource if call.content else None
    with call.server.database.connection() as connection:
        job = request_reindex(
            call.server, connection, call.pairs, content, call.path.get("type"), call.path.get("id")
        )
        if call.wants_later:
            return accepted(call, job.id)
        answer = Answer(202, body=encode_json(described(connection, job)))
    reply = bundle_reply(call, answer)
    place = f"{call.server.base_url}/$reindex?job={job.id}"
    return replace(reply, headers={**reply.headers, "Content-Location": place})


def status(call: Call) -> Reply:
    """GET /$reindex, /$reindex?job=…."""
    with call.server.database.connection() as connection:
        is_of_one = bool(call.pairs)
        content = (
            reindex_status(connection, _job_id(call)) if is_of_one else reindex_jobs(connection)
        )
    return parameters_reply(call, content)


def cancel(call: Call) -> Reply:
    """DELETE /$reindex?job=…."""
    with call.server.database.connection() as connection:
        cancel_reindex(connection, _job_id(call))
    return Reply(204)


def _job_id(call: Call) -> str:
    for name, value in call.pairs:
        if name != "job":
            raise refuse(400, "operation-parameter-unknown", "not-supported",
                         name=name[:64], allowed="job")  # fmt: skip
        return value
    raise refuse(400, "reindex-job-missing", "required")
