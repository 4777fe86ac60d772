"""update, by id or by criteria; makes the resource where there is none.

Source: https://hl7.org/fhir/R4/http.html#update
"""

from typing import Any

from fhir_server.interactions.answer import Answer
from fhir_server.interactions.conditions import UNCONDITIONAL, Conditions
from fhir_server.interactions.server import FhirServer
from fhir_server.interactions.writing.change import Change
from fhir_server.interactions.writing.check import (
    check_body_id,
    check_changes,
    check_id,
    check_resource_type,
)
from fhir_server.interactions.writing.criteria import parse_criteria
from fhir_server.interactions.writing.write import run_write, write_changes


def update(
    server: FhirServer,
    resource_type: str,
    resource_id: str,
    resource: Any,
    *,
    conditions: Conditions = UNCONDITIONAL,
) -> Answer:
    """Store a new version under this id.

    Shape: 201 where the id is new or was deleted, else 200; content equal to the current version makes
    no new one.
    Errors: Refused 400 (ids differ), 412 (the current version is not as `conditions` ask), 422 (does not
    conform).
    """
    check_id(resource_id, resource_type)
    check_resource_type(resource, resource_type, resource_type)
    change = Change("PUT", resource_type, id=resource_id, resource=resource,
                    conditions=conditions)  # fmt: skip
    check_body_id(change)
    check_changes(server, [change])
    return run_write(server, lambda connection: write_changes(server, connection, [change])[0])


def conditional_update(
    server: FhirServer,
    resource_type: str,
    query: str,
    resource: Any,
    *,
    conditions: Conditions = UNCONDITIONAL,
) -> Answer:
    """Update the one resource the criteria match, or create it.

    Errors: as `update`; Refused 412 where several match, 409 where none does and the resource brings the
    id of one that exists.
    """
    check_resource_type(resource, resource_type, resource_type)
    change = Change("PUT", resource_type, resource=resource, conditions=conditions)
    change.criteria = parse_criteria(server, resource_type, query, resource_type)
    check_changes(server, [change])
    return run_write(server, lambda connection: write_changes(server, connection, [change])[0])
