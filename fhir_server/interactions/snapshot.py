"""$snapshot: a StructureDefinition in full, worked out from its differential and its base.

Source: https://hl7.org/fhir/R4/structuredefinition-operation-snapshot.html
"""

from typing import Any

from fhir_server.interactions.answer import Answer
from fhir_server.interactions.read import read
from fhir_server.interactions.server import FhirServer
from fhir_server.model.issues import refuse
from fhir_server.model.json_source import encode_json, parse_stored
from fhir_server.store.resources import Connection
from fhir_server.validation.snapshot import SnapshotError, completed

_ONLY = "StructureDefinition"


def snapshot(server: FhirServer, resource_type: str, content: Any) -> Answer:
    """The snapshot of a definition that is sent.

    Shape: `content` is the StructureDefinition, or Parameters with `definition` or `url`.
    Errors: Refused 404 on another resource type or for a url that is not loaded, 422 for a fault of the
    profile.
    """
    _check_type(resource_type)
    if isinstance(content, dict) and content.get("resourceType") == "Parameters":
        parameters = content.get("parameter")
        for parameter in parameters if isinstance(parameters, list) else ():
            name = parameter.get("name") if isinstance(parameter, dict) else None
            if name == "definition":
                return _completed(server, parameter.get("resource"))
            if name == "url":
                url = parameter.get("valueString") or parameter.get("valueUri")
                return snapshot_of_url(server, resource_type, str(url))
    return _completed(server, content)


def snapshot_of_url(server: FhirServer, resource_type: str, url: str) -> Answer:
    """The snapshot of a definition that is loaded. Errors: as `snapshot`; Refused 400 without a URL."""
    _check_type(resource_type)
    if not url:
        raise refuse(400, "operation-parameter-missing", "required", "http.url", names="url")
    structure = server.definitions.structure(url)
    if structure is None:
        raise refuse(404, "snapshot-profile-unknown", "not-found", profile=url[:200])
    return _completed(server, structure)


def snapshot_of_stored(
    server: FhirServer, connection: Connection, resource_type: str, resource_id: str
) -> Answer:
    """The snapshot of a definition that is stored. Errors: as `snapshot` and `read`."""
    _check_type(resource_type)
    stored = read(connection, resource_type, resource_id).stored
    assert stored is not None  # noqa: S101 — read refuses what is not there
    assert stored.body is not None  # noqa: S101 — read refuses what is deleted
    return _completed(server, parse_stored(stored.body))


def _check_type(resource_type: str) -> None:
    if resource_type != _ONLY:
        raise refuse(404, "path-not-found", "not-found")


def _completed(server: FhirServer, structure: Any) -> Answer:
    try:
        return Answer(200, body=encode_json(completed(structure, server.definitions)))
    except SnapshotError as fault:
        raise refuse(422, fault.reason, "processing", _ONLY, **fault.parameters) from None
