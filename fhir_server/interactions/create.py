"""create, conditional or not.

Source: https://hl7.org/fhir/R4/http.html#create
"""

from typing import Any

from fhir_server.interactions.answer import Answer
from fhir_server.interactions.server import FhirServer
from fhir_server.interactions.writing.change import Change
from fhir_server.interactions.writing.check import check_changes, check_resource_type
from fhir_server.interactions.writing.criteria import parse_criteria
from fhir_server.interactions.writing.write import run_write, write_changes


def create(
    server: FhirServer, resource_type: str, resource: Any, *, if_none_exist: str | None = None
) -> Answer:
    """Store a new resource under an id of the server's own.

    Shape: 201 with the new resource; 200 with the one that exists, where `if_none_exist` matches one.
    Errors: Refused 400, 412 (several match) or 422 (does not conform).
    """
    check_resource_type(resource, resource_type, resource_type)
    change = Change("POST", resource_type, resource=resource)
    if if_none_exist is not None:
        change.criteria = parse_criteria(server, resource_type, if_none_exist, "http.If-None-Exist")
    check_changes(server, [change])
    return run_write(server, lambda connection: write_changes(server, connection, [change])[0])
