"""Functions of the maps around codes, dates, numbers and message identity."""

from typing import Any
from urllib.parse import quote

from ingest.hl7v2.segment import NULL
from ingest.mapping.centres import SID
from ingest.mapping.context import Context
from ingest.mapping.functions import map_function
from ingest.mapping.identifiers import OID
from ingest.mapping.timestamps import UnreadableError, fhir_date
from ingest.mapping.view import View

CODING_SYSTEMS = "coding-system"
"""The code map from table 0396 to FHIR system URIs."""


@map_function("coding_system", of_value=True)
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
        if OID.fullmatch(name):
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


@map_function("structured_numeric")
def structured_numeric(context: Context, views: list[View], element: str) -> str | None:
    """An SN that no FHIR type can say (`<>` 10, 2 + 3), as text with its unit."""
    units = context.views("OBX", 6)
    for view in views:
        parts = [text for n in (1, 2, 3, 4) if (text := view.get(n)) and text != NULL]
        if not parts:
            continue
        context.mapped(view.whole(), element)
        unit = units[0].get(1) if units else None
        if unit:
            context.mapped(units[0].leaf(1), element)
        return " ".join([*parts, *([unit] if unit else [])])
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
