"""read: the current version of a resource.

Source: https://hl7.org/fhir/R4/http.html#read
"""

from fhir_server.interactions.answer import Answer
from fhir_server.interactions.operations.definitions import operation_definitions
from fhir_server.interactions.writing.check import check_id
from fhir_server.model.issues import refuse
from fhir_server.model.json_source import encode_json
from fhir_server.store.resources import Connection, StoredResource, read_resource


def read(connection: Connection, resource_type: str, resource_id: str) -> Answer:
    """The current version, as the bytes it is stored in.

    Errors: Refused 404 where the id was never used, 410 where the resource is deleted.
    """
    check_id(resource_id, resource_type)
    return read_answer(
        read_resource(connection, resource_type, resource_id), resource_type, resource_id
    )


def read_or_own(connection: Connection, resource_type: str, resource_id: str) -> Answer:
    """As `read`; of the server's own OperationDefinitions the `body`, where none is stored under the id."""
    own = operation_definitions().get(resource_id)
    if own is None or resource_type != own["resourceType"]:
        return read(connection, resource_type, resource_id)
    stored = read_resource(connection, resource_type, resource_id)
    if stored is None:
        return Answer(200, body=encode_json(own))
    return read_answer(stored, resource_type, resource_id)


def read_answer(stored: StoredResource | None, resource_type: str, resource_id: str) -> Answer:
    """The answer to a read whose key leads to this row. Errors: as `read`."""
    # Another resource may have the same key.
    if stored is None or (stored.type, stored.id) != (resource_type, resource_id):
        raise refuse(404, "resource-not-found", "not-found", resource_type,
                     reference=f"{resource_type}/{resource_id}")  # fmt: skip
    if stored.deleted:
        raise refuse(410, "resource-deleted", "deleted", resource_type,
                     reference=f"{resource_type}/{resource_id}", version=stored.version)  # fmt: skip
    return Answer(200, stored=stored)
