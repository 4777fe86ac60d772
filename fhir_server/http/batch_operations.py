"""Operations inside a batch: carried out as requests of their own, by the same routes.

Source: FHIR R4 https://hl7.org/fhir/R4/http.html#transaction (entries may be operations)
"""

from fhir_server.http.call import Call
from fhir_server.http.formats import JSON
from fhir_server.http.parameters import check_parameters
from fhir_server.interactions.answer import Answer
from fhir_server.interactions.batch import Operate
from fhir_server.interactions.entries import READS, Entry
from fhir_server.interactions.server import FhirServer
from fhir_server.model.issues import Language, refuse
from fhir_server.model.json_source import encode_json

TAKEN = (
    "$dead-letters", "$diff", "$events", "$everything", "$expand", "$lastn", "$lookup", "$meta", "$snapshot",
    "$status", "$subsumes", "$translate", "$validate", "$validate-code", "$versions",
)  # fmt: skip
"""Operations that change nothing. Each entry of a batch is answered as if it were sent alone."""


def operations_of(server: FhirServer) -> Operate:
    """What carries out the operations in a batch.

    Errors: Refused 400 for an operation that a batch does not take, else those of the operation.
    """
    # The routes name the handler of a batch, which comes here.
    from fhir_server.http.routes import find_route

    def operate(entry: Entry, language: Language) -> Answer:
        found = find_route(entry.method, "/".join(entry.path))
        if found.interaction not in TAKEN:
            raise refuse(400, "batch-operation", "not-supported", f"{entry.at}.request.url",
                         name=found.interaction, allowed=", ".join(TAKEN))  # fmt: skip
        content = b""
        if entry.method not in READS and entry.resource is not None:
            content = encode_json(entry.resource)
        headers = {"accept": JSON, "content-type": JSON, "accept-language": language}
        call = Call(server, entry.method, found.path, entry.query, headers, content)
        check_parameters(found.interaction, call)
        reply = found.handler(call)
        body = None if entry.method == "HEAD" else reply.body or None
        return Answer(reply.status, body=body)

    return operate
