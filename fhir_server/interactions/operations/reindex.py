"""$reindex: index rows made anew for the resources of some types, or of all, in the background.

`POST [base]/$reindex`, of a type `POST [base]/Type/$reindex`, of one search parameter
`POST [base]/SearchParameter/id/$reindex` or with the parameter `parameter`. The job is carried out by
`fhir_server.search.reindex`; a search parameter narrows it to the types that have it.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from fhir_server.interactions.answer import instant
from fhir_server.interactions.operations.given import given_pairs
from fhir_server.interactions.read import read
from fhir_server.interactions.server import FhirServer
from fhir_server.model.issues import refuse
from fhir_server.model.json_source import parse_stored
from fhir_server.search.parameters import types_of
from fhir_server.search.scope import unknown_type
from fhir_server.store.reindex_jobs import (
    ReindexJob,
    count_remaining,
    end_job,
    read_job,
    read_jobs,
    request_job,
)
from fhir_server.store.resource_types import RESOURCE_TYPES, TYPE_NUMBERS
from fhir_server.store.resources import Connection

PARAMETERS = ("type", "parameter")


def request_reindex(  # noqa: PLR0917 — what a route and a Parameters resource can say
    server: FhirServer,
    connection: Connection,
    pairs: Sequence[tuple[str, str]],
    content: Any = None,
    resource_type: str | None = None,
    resource_id: str | None = None,
) -> ReindexJob:
    """Ask for a job; one that waits already and does the same is given instead.

    Errors: Refused 400 for a parameter, type or search parameter that is unknown, 404 or 410 for an id.
    """
    asked = [*pairs, *given_pairs(content)]
    unknown = next((name for name, _ in asked if name not in PARAMETERS), None)
    if unknown is not None:
        raise refuse(400, "operation-parameter-unknown", "not-supported", f"http.{unknown[:64]}",
                     name=unknown[:64], allowed=", ".join(PARAMETERS))  # fmt: skip
    types = [value for name, value in asked if name == "type"]
    parameter = next((value for name, value in asked if name == "parameter"), None)
    if resource_id is not None:
        if resource_type != "SearchParameter":
            raise refuse(404, "path-not-found", "not-found")
        stored = read(connection, resource_type, resource_id).stored
        definition = parse_stored(stored.body) if stored and stored.body else {}
        parameter, types = definition.get("url"), list(types_of(definition))
    elif resource_type is not None:
        types.append(resource_type)
    for name in types:
        if name not in TYPE_NUMBERS:
            raise unknown_type(name)
    if parameter is not None and resource_id is None:
        types = _types_with(server, connection, parameter, types)
    numbers = [TYPE_NUMBERS[name] for name in dict.fromkeys(types or RESOURCE_TYPES)]
    return request_job(connection, numbers, parameter)


def _types_with(
    server: FhirServer, connection: Connection, url: str, types: Sequence[str]
) -> list[str]:
    """The types, of those asked for, that a search parameter is for. Errors: Refused 400."""
    known = server.search.refresh(connection, max_age_s=0).parameters
    definition = known.definitions.find("SearchParameter", url)
    if definition is None:
        raise refuse(400, "reindex-parameter-unknown", "not-found", url=url[:200])
    own = types_of(definition)
    found = [name for name in own if name in types] if types else list(own)
    if not found:
        raise refuse(400, "reindex-parameter-unknown", "not-found", url=url[:200])
    return found


def reindex_status(connection: Connection, job_id: str) -> dict[str, Any]:
    """A job as Parameters. Errors: Refused 404."""
    job = read_job(connection, job_id)
    if job is None:
        raise refuse(404, "reindex-job-unknown", "not-found")
    return described(connection, job)


def reindex_jobs(connection: Connection) -> dict[str, Any]:
    """The jobs, the latest first, as Parameters with one part for each."""
    return {
        "resourceType": "Parameters",
        "parameter": [
            {"name": "job", "part": _parts(connection, job)} for job in read_jobs(connection)
        ],
    }


def cancel_reindex(connection: Connection, job_id: str) -> None:
    """Call a job off; what is done stays. Errors: Refused 404 for none, 409 for one that has ended."""
    if end_job(connection, job_id, "cancelled"):
        return
    if read_job(connection, job_id) is None:
        raise refuse(404, "reindex-job-unknown", "not-found")
    raise refuse(409, "reindex-job-ended", "conflict")


def described(connection: Connection, job: ReindexJob) -> dict[str, Any]:
    """A job as Parameters: what it does, how far it is, what is left."""
    return {"resourceType": "Parameters", "parameter": _parts(connection, job)}


def _parts(connection: Connection, job: ReindexJob) -> list[dict[str, Any]]:
    parts: list[dict[str, Any]] = [
        {"name": "id", "valueString": job.id},
        {"name": "state", "valueCode": job.state},
    ]
    if len(job.types) < len(RESOURCE_TYPES):
        parts += [{"name": "type", "valueCode": RESOURCE_TYPES[one]} for one in job.types]
    if job.parameter is not None:
        parts.append({"name": "parameter", "valueUri": job.parameter})
    moments: Sequence[tuple[str, datetime | None]] = (
        ("requested", job.requested), ("started", job.started), ("ended", job.ended),
    )  # fmt: skip
    parts += [{"name": name, "valueInstant": instant(at)} for name, at in moments if at is not None]
    counts = {"total": job.total, "processed": job.processed, "changed": job.changed}
    if job.state == "running":
        counts["remaining"] = count_remaining(connection, job)
    parts += [{"name": n, "valueUnsignedInt": v} for n, v in counts.items() if v is not None]
    return parts
