"""Embedded documents become Binary resources of their own; what holds them points at them.

A report or document reference is read, searched and merged without its pages, and the same pages sent again
are the same resource: its id is made of the owner's identity and the content.

Source: FHIR R4 https://hl7.org/fhir/R4/binary.html, https://hl7.org/fhir/R4/datatypes.html#Attachment
"""

import binascii
from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha256
from typing import Any

from ingest.hl7v2.document import document
from ingest.hl7v2.faults import Hl7SyntaxError
from ingest.mapping.context import Context
from ingest.mapping.embedded import Embedded, embedded
from ingest.mapping.functions import map_function
from ingest.mapping.identity import Identity
from ingest.mapping.plans import ResourcePlan
from ingest.mapping.view import View

UNKNOWN_TYPE = "application/octet-stream"


def _embedded_in(context: Context, view: View, element: str) -> Embedded | None:
    """The document of an ED, decoded once; data in another encoding than declared is rejected."""
    key = view.whole()
    if key not in context.documents:
        try:
            found = embedded(document(view.repetition))
        except (Hl7SyntaxError, binascii.Error):
            context.rejected(view, 5, "not-in-declared-encoding", element)
            found = None
        context.documents[key] = found if found is not None and found.size else None
    return context.documents[key]


@map_function("document_url")
def document_url(context: Context, views: list[View], element: str) -> str | None:
    """Where the document is: a name within the message, until the owner is known (`owned`)."""
    for view in views:
        found = _embedded_in(context, view, element)
        if found is not None:
            for component in (4, 5):
                context.mapped(view.leaf(component), element)
            return f"urn:sha256:{found.digest}"
    return None


@map_function("document_hash")
def document_hash(context: Context, views: list[View], element: str) -> str | None:
    """The SHA-1 of the document."""
    found = _embedded_in(context, views[0], element) if views else None
    return found.hash if found else None


@map_function("document_size")
def document_size(context: Context, views: list[View], element: str) -> int | None:
    """The bytes of the document."""
    found = _embedded_in(context, views[0], element) if views else None
    return found.size if found else None


def owned(
    context: Context, plan: ResourcePlan, owner: Identity, resource: dict[str, Any]
) -> Iterator[tuple[ResourcePlan, Identity, dict[str, Any]]]:
    """The Binary of each document that a resource holds, which from now on points at it."""
    by_name = {f"urn:sha256:{one.digest}": one for one in context.documents.values() if one}
    for attachment in attachments(resource) if by_name else ():
        found = by_name.get(attachment.get("url", ""))
        if found is None:
            continue
        identity = Identity("urn:ietf:rfc:3986", f"{owner.token}|{found.digest}")
        attachment["url"] = f"Binary/{id_of(identity)}"
        binary = {
            "resourceType": "Binary",
            "contentType": attachment.get("contentType", UNKNOWN_TYPE),
            "data": found.data,
        }
        yield content_plan(plan), identity, binary


def content_plan(owner: ResourcePlan) -> ResourcePlan:
    """How a Binary is written: by its id, once."""
    return replace(
        owner, name="content", type="Binary", maps=(), gather=(), identity="content-of-document",
        write="create", profile="", links=(), finish=(), requires={}, fills=frozenset(), when=None,
        names={},
    )  # fmt: skip


def attachments(resource: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The attachments of a report or a document reference."""
    yield from resource.get("presentedForm", ())
    for content in resource.get("content", ()):
        yield content["attachment"]


def id_of(identity: Identity) -> str:
    """The id of a resource that has no identifier: the same whenever it is mapped."""
    return "v2-" + sha256(identity.token.encode()).hexdigest()[:40]
