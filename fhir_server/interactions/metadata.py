"""metadata: what this server can do, in the form that `mode` asks for.

Source: https://hl7.org/fhir/R4/http.html#capabilities
"""

from collections.abc import Sequence

from fhir_server.interactions.answer import Answer
from fhir_server.interactions.capabilities import capability_statement
from fhir_server.interactions.server import FhirServer
from fhir_server.interactions.subset import parse_subset, subset_body
from fhir_server.interactions.terminology_capabilities import terminology_capabilities
from fhir_server.model.issues import refuse
from fhir_server.model.json_source import encode_json
from fhir_server.store.resources import Connection

MODES = ("full", "normative", "terminology")


def metadata(
    server: FhirServer, connection: Connection, pairs: Sequence[tuple[str, str]]
) -> Answer:
    """The CapabilityStatement, or with `mode=terminology` the TerminologyCapabilities.

    Errors: Refused 400 for another mode, or a subset that is none.
    """
    mode = dict(pairs).get("mode", "full")
    if mode not in MODES:
        raise refuse(400, "parameter-invalid", "value", "http.mode", name="mode",
                     expected=", ".join(MODES))  # fmt: skip
    if mode == "terminology":
        statement = terminology_capabilities(server)
    else:
        server.search.refresh(connection)
        statement = capability_statement(server)
    body = subset_body(server.definitions, parse_subset(pairs), encode_json(statement))
    return Answer(200, body=body)
