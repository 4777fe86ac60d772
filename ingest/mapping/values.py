"""Functions of the maps around codes, dates, documents and message identity."""

import binascii
from base64 import b64encode
from typing import Any
from urllib.parse import quote

from ingest.hl7v2.document import document
from ingest.hl7v2.faults import Hl7SyntaxError
from ingest.hl7v2.segment import NULL
from ingest.mapping.centres import SID
from ingest.mapping.context import Context
from ingest.mapping.functions import map_function
from ingest.mapping.timestamps import UnreadableError, fhir_date
from ingest.mapping.view import View

CODING_SYSTEMS = "coding-system"
"""The code map from table 0396 to FHIR system URIs."""


@map_function("coding_system")
def coding_system(context: Context, views: list[View], element: str) -> str | None:
    """The FHIR system of a coding system named as in table 0396.

    Shape: an OID becomes `urn:oid:`; an unknown name (L, 99ZZZ) a system of the sending centre.
    """
    code_map = context.codes.maps[CODING_SYSTEMS]
    for view in views:
        name = view.get(1)
        if not name or name == NULL:
            continue
        context.mapped(view.leaf(1), element)
        known = context.codes.translate(code_map, name, context.centre.id)
        if known is not None:
            return known.code
        if name[:2] in {"1.", "2."}:
            return f"urn:oid:{name}"
        return f"{SID}/{context.centre.id}/code/{quote(name, safe='')}"
    return None


@map_function("sender_identity")
def sender_identity(context: Context, views: list[View], element: str) -> str:
    """`application|facility|control id`: what names a message for ever. No value of a patient."""
    parts = []
    for view in views:
        text = view.get(1)
        parts.append(quote(text or "", safe=""))
        if text:
            context.mapped(view.leaf(1), element)
    return "|".join(parts)


@map_function("message_type")
def message_type(context: Context, views: list[View], element: str) -> str | None:
    """MSH-9 as `ORU^R01^ORU_R01`."""
    for view in views:
        parts = [(number, view.get(number)) for number in (1, 2, 3)]
        for number, text in parts:
            if text:
                context.mapped(view.leaf(number), element)
        return "^".join(text for _, text in parts if text)
    return None


@map_function("first_date")
def first_date(context: Context, views: list[View], element: str) -> str | None:
    """The first date that can be read, as a date."""
    for view in views:
        text = view.get(1)
        if not text or text == NULL:
            continue
        try:
            found = fhir_date(text)
        except UnreadableError as fault:
            context.rejected(view, 1, fault.reason, element)
            continue
        context.mapped(view.leaf(1), element)
        return found
    return None


@map_function("document_data")
def document_data(context: Context, views: list[View], element: str) -> str | None:
    """An ED's data as base64; data in another encoding than declared is rejected."""
    for view in views:
        try:
            pieces = b"".join(document(view.repetition))
        except (Hl7SyntaxError, binascii.Error):
            context.rejected(view, 5, "not-in-declared-encoding", element)
            return None
        if pieces:
            for component in (4, 5):
                context.mapped(view.leaf(component), element)
            return b64encode(pieces).decode("ascii")
    return None


@map_function("content_type")
def content_type(context: Context, views: list[View], element: str) -> str | None:
    """The media type of an ED from type (0191) and subtype (0291)."""
    for view in views:
        kind, subtype = (view.get(2) or "").lower(), (view.get(3) or "").lower()
        for component, text in ((2, kind), (3, subtype)):
            if text:
                context.mapped(view.leaf(component), element)
        if not subtype:
            return None
        if "/" in subtype:
            return subtype
        if subtype == "pdf":
            return "application/pdf"
        if subtype == "x-hl7-cda-level-one":
            return "application/xml"
        return f"{ {'text': 'text', 'im': 'image', 'image': 'image'}.get(kind, 'application') }/{subtype}"
    return None


@map_function("tumour_identifier")
def tumour_identifier(context: Context, views: list[View], element: str) -> dict[str, Any] | None:
    """The network's number of a tumour, sent as ST, EI or CX."""
    for view in views:
        text = view.get(1)
        if text and text != NULL:
            context.mapped(view.leaf(1), element)
            return {"system": f"{SID}/tumour", "value": text.strip()}
    return None
