"""How a job ends: with the status, the headers and the content that its answer has."""

from collections.abc import Mapping

import psycopg

from fhir_server.http.faults import fault_of
from fhir_server.model.issues import operation_outcome
from fhir_server.model.json_source import encode_json
from fhir_server.operator_error import OperatorError
from fhir_server.store.background_jobs import BackgroundJob, State, end_background_job
from fhir_server.store.database import Connection


def end_answered(
    connection: Connection, job: BackgroundJob, status: int, headers: Mapping[str, str], body: bytes
) -> None:
    """End a job that has its answer. Nothing happens where it was called off meanwhile."""
    state: State = "completed" if status < 400 else "failed"
    end_background_job(
        connection, job.id, state, {"status": status, "headers": dict(headers)}, body
    )


def end_failed(connection: Connection, job: BackgroundJob, fault: Exception) -> None:
    """End a job that broke off. Errors: the fault itself where the database was not there: it is begun
    again then.
    """
    is_cancelled = isinstance(fault, psycopg.errors.QueryCanceled)
    if isinstance(fault, psycopg.OperationalError | OperatorError) and not is_cancelled:
        raise fault
    status, issue = fault_of(fault, job.id)
    end_answered(connection, job, status, {}, encode_json(operation_outcome([issue])))
