"""The bytes of a version: what the client sent, with id, version and time set by the server.

Source: FHIR R4 §3.1.0.7 (the server ignores versionId and lastUpdated of a submitted resource).
"""

from datetime import datetime
from typing import Any

from fhir_server.interactions.answer import instant
from fhir_server.model.json_source import encode_json


def stamped(
    resource: dict[str, Any], resource_id: str, version: int, updated: datetime
) -> dict[str, Any]:
    """The resource with its identity; the order of the client's other elements is kept."""
    meta = {"versionId": str(version), "lastUpdated": instant(updated)}
    sent = resource.get("meta")
    if isinstance(sent, dict):
        meta.update({name: value for name, value in sent.items() if name not in meta})
    # A key keeps the place where it was first put.
    whole = {"resourceType": resource["resourceType"], "id": resource_id, "meta": meta} | resource
    whole["id"], whole["meta"] = resource_id, meta
    return whole


def body_of(resource: dict[str, Any], resource_id: str, version: int, updated: datetime) -> bytes:
    """The bytes to store and to send."""
    return encode_json(stamped(resource, resource_id, version, updated))
