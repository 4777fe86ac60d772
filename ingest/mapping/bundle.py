"""The transaction Bundle of a message: conditional by identity, so that it may be sent again."""

import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from ingest.mapping.assembly import Built
from ingest.mapping.binaries import id_of
from ingest.mapping.identity import Identity
from ingest.mapping.result import Resource

WITHOUT_IDENTIFIER = frozenset({"message", "content-of-document"})
"""Identities of resources that have no identifier (Provenance, Binary): they are known by their id."""


def transaction(built: Sequence[Built]) -> Resource:
    """All resources of a message as one transaction.

    Shape: `create` is a POST with `ifNoneExist`, `update` a conditional PUT, both by identifier; a
    resource type without identifiers (Provenance) has an id made from the message's identity.
    """
    return bundle_of([conditional_entry(one, one.resource) for one in built])


def bundle_of(entries: Sequence[dict[str, Any]]) -> Resource:
    """Entries as a transaction."""
    return {"resourceType": "Bundle", "type": "transaction", "entry": list(entries)}


def conditional_entry(built: Built, resource: Resource) -> dict[str, Any]:
    """The entry that creates or updates a resource by its identity."""
    plan = built.plan
    if plan.identity in WITHOUT_IDENTIFIER:
        resource["id"] = id_of(built.identity)
        request = {"method": "PUT", "url": f"{plan.type}/{resource['id']}"}
    else:
        token = built.identity.token
        if not _PLAIN(token):
            token = quote(search_token(built.identity), safe=":/|")
        criteria = f"identifier={token}"
        if plan.write == "create":
            request = {"method": "POST", "url": plan.type, "ifNoneExist": criteria}
        else:
            request = {"method": "PUT", "url": f"{plan.type}?{criteria}"}
    return {"fullUrl": built.full_url, "resource": resource, "request": request}


def search_token(identity: Identity) -> str:
    """An identity as the value of a token parameter, with what separates values escaped.

    Source: FHIR R4 https://hl7.org/fhir/R4/search.html#escaping
    """
    return f"{_escaped(identity.system)}|{_escaped(identity.value)}"


_PLAIN = re.compile(r"[A-Za-z0-9_.~:/-]*\|[A-Za-z0-9_.~:/-]*").fullmatch
"""A token in which nothing is to be escaped or quoted, as nearly every one is."""
_SEPARATOR = re.compile(r"[\\,|$]")


def _escaped(text: str) -> str:
    return _SEPARATOR.sub(r"\\\g<0>", text) if _SEPARATOR.search(text) else text
