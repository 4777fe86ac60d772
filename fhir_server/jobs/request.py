"""Jobs of the kind `request`: a request of the FHIR interface, carried out as if a client waited for it."""

import hashlib

from fhir_server.http.asynchronous import read_request
from fhir_server.http.reply import outcome_reply
from fhir_server.http.routes import find_route
from fhir_server.interactions.resumption import Resumption
from fhir_server.interactions.server import FhirServer
from fhir_server.jobs.ending import end_answered
from fhir_server.model.issues import Refused
from fhir_server.store.background_jobs import (
    BackgroundJob,
    keep_part,
    note_total,
    read_job_content,
    read_part,
)
from fhir_server.store.database import Connection


class JobResumption(Resumption):
    """What earlier attempts at a job have done: the answers of the entries of a batch, one part each."""

    def __init__(self, server: FhirServer, job: BackgroundJob) -> None:
        self._database = server.database
        self._job = job
        self.name = hashlib.sha256(job.id.encode()).digest()

    def note_total(self, total: int) -> None:
        """See Resumption."""
        with self._database.connection() as connection:
            note_total(connection, self._job.id, total)

    def answered(self, step: int) -> bytes | None:
        """See Resumption. Cost: a statement for each step of a job that was begun before, else none."""
        if self._job.attempts == 1:
            return None
        with self._database.connection() as connection:
            return read_part(connection, self._job.id, step)

    def keep(self, connection: Connection, step: int, answer: bytes) -> None:
        """See Resumption."""
        keep_part(connection, self._job.id, step, "entry", answer)


def run_request(server: FhirServer, job: BackgroundJob) -> None:
    """Carry out the request and end the job with its answer. Errors: those of a bug or of the database."""
    with server.database.connection() as connection:
        content = read_job_content(connection, job.id)
    call, path = read_request(server, job.asked, content, JobResumption(server, job))
    try:
        reply = find_route(call.method, path).handler(call)
    except Refused as refused:
        reply = outcome_reply(call, refused.status, refused.issues)
    with server.database.connection() as connection:
        end_answered(connection, job, reply.status, reply.headers, reply.body)
