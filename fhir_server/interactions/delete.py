"""delete, by id or by criteria.

Source: https://hl7.org/fhir/R4/http.html#delete
"""

from fhir_server.interactions.answer import Answer
from fhir_server.interactions.conditions import UNCONDITIONAL, Conditions
from fhir_server.interactions.server import FhirServer
from fhir_server.interactions.writing.change import Change
from fhir_server.interactions.writing.check import check_id
from fhir_server.interactions.writing.criteria import parse_criteria
from fhir_server.interactions.writing.write import run_write, write_changes


def delete(
    server: FhirServer,
    resource_type: str,
    resource_id: str,
    *,
    conditions: Conditions = UNCONDITIONAL,
) -> Answer:
    """Mark the resource deleted; its versions stay readable.

    Shape: 204, also where there is nothing to delete.
    Errors: Refused 412 where the current version is not as `conditions` ask.
    """
    check_id(resource_id, resource_type)
    change = Change("DELETE", resource_type, id=resource_id, conditions=conditions)
    return run_write(server, lambda connection: write_changes(server, connection, [change])[0])


def conditional_delete(
    server: FhirServer, resource_type: str, query: str, *, conditions: Conditions = UNCONDITIONAL
) -> Answer:
    """Delete the one resource the criteria match, or several where the setting allows it.

    Errors: Refused 412 where more match, or one is not as `conditions` ask.
    """
    change = Change("DELETE", resource_type, conditions=conditions)
    change.criteria = parse_criteria(server, resource_type, query, resource_type)
    return run_write(server, lambda connection: write_changes(server, connection, [change])[0])
