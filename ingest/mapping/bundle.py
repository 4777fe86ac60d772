"""The transaction Bundle of a message: conditional by identity, so that it may be sent again."""

from collections.abc import Sequence
from hashlib import sha256
from typing import Any
from urllib.parse import quote

from ingest.mapping.assembly import Built
from ingest.mapping.result import Resource


def transaction(built: Sequence[Built]) -> Resource:
    """All resources of a message as one transaction.

    Shape: `create` is a POST with `ifNoneExist`, `update` a conditional PUT, both by identifier; a
    resource type without identifiers (Provenance) has an id made from the message's identity.
    """
    return {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [_entry(one) for one in built],
    }


def _entry(built: Built) -> dict[str, Any]:
    return {
        "fullUrl": built.full_url,
        "resource": built.resource,
        "request": _request(built),
    }


def _request(built: Built) -> dict[str, str]:
    if built.plan.identity == "message":
        built.resource["id"] = message_resource_id(built)
        return {"method": "PUT", "url": f"{built.plan.type}/{built.resource['id']}"}
    criteria = f"identifier={quote(built.identity.token, safe=':/|')}"
    if built.plan.write == "create":
        return {"method": "POST", "url": built.plan.type, "ifNoneExist": criteria}
    return {"method": "PUT", "url": f"{built.plan.type}?{criteria}"}


def message_resource_id(built: Built) -> str:
    """The id of a resource that speaks of the message itself: the same whenever it is mapped."""
    return "v2-" + sha256(built.identity.token.encode()).hexdigest()[:40]
