"""patch, by id or by criteria.

Source: https://hl7.org/fhir/R4/http.html#patch
"""

from fhir_server.interactions.answer import Answer
from fhir_server.interactions.conditions import UNCONDITIONAL, Conditions
from fhir_server.interactions.patching.document import Patch
from fhir_server.interactions.server import FhirServer
from fhir_server.interactions.writing.change import Change
from fhir_server.interactions.writing.check import check_id
from fhir_server.interactions.writing.criteria import parse_criteria
from fhir_server.interactions.writing.write import run_write, write_changes


def patch(
    server: FhirServer,
    resource_type: str,
    resource_id: str,
    document: Patch,
    *,
    conditions: Conditions = UNCONDITIONAL,
) -> Answer:
    """Change parts of the resource; the whole is validated as an update is.

    Shape: 200; content that comes out unchanged makes no new version.
    Errors: Refused 404 or 410 (nothing to patch), 412 (the current version is not as `conditions` ask),
    422 (the patch does not fit, or its outcome does not conform).
    """
    check_id(resource_id, resource_type)
    change = Change("PATCH", resource_type, id=resource_id, patch=document, conditions=conditions)
    return run_write(server, lambda connection: write_changes(server, connection, [change])[0])


def conditional_patch(
    server: FhirServer,
    resource_type: str,
    query: str,
    document: Patch,
    *,
    conditions: Conditions = UNCONDITIONAL,
) -> Answer:
    """Patch the one resource the criteria match.

    Errors: as `patch`; Refused 404 where none matches, 412 where several do.
    """
    change = Change("PATCH", resource_type, patch=document, conditions=conditions)
    change.criteria = parse_criteria(server, resource_type, query, resource_type)
    return run_write(server, lambda connection: write_changes(server, connection, [change])[0])
