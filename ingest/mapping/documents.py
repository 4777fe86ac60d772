"""Functions and steps of the maps around documents: embedded (ED), pointed at (RP), or lines of text."""

from base64 import b64decode
from typing import Any

from ingest.hl7v2.segment import NULL
from ingest.mapping.assembly import Assembly
from ingest.mapping.context import Context
from ingest.mapping.embedded import embedded
from ingest.mapping.finishing import finishing_step
from ingest.mapping.functions import map_function
from ingest.mapping.scopes import Scope
from ingest.mapping.view import View

PLAIN = "text/plain; charset=utf-8"


@map_function("content_type")
def content_type(context: Context, views: list[View], element: str) -> str | None:
    """The media type of an ED from type (0191) and subtype (0291)."""
    for view in views:
        return _media_type(context, view, element, kind_at=2)
    return None


SUBTYPES = {
    "pdf": "application/pdf",
    "x-hl7-cda-level-one": "application/xml",
    "xml": "application/xml",
}
"""Subtypes whose media type does not follow from the type: the French CDA volet sends `TEXT^XML`."""


def _media_type(context: Context, view: View, element: str, *, kind_at: int) -> str | None:
    kind = (view.get(kind_at) or "").lower()
    subtype = (view.get(kind_at + 1) or "").lower()
    for component, text in ((kind_at, kind), (kind_at + 1, subtype)):
        if text:
            context.mapped(view.leaf(component), element)
    if not subtype:
        return None
    if "/" in subtype:
        return subtype
    family = {"text": "text", "im": "image", "image": "image"}.get(kind, "application")
    return SUBTYPES.get(subtype) or f"{family}/{subtype}"


@map_function("pointer_type")
def pointer_type(context: Context, views: list[View], element: str) -> str | None:
    """The media type of an RP from type (RP.3, table 0191) and subtype (RP.4, table 0291)."""
    for view in views:
        return _media_type(context, view, element, kind_at=3)
    return None


@map_function("text_document")
def text_document(context: Context, views: list[View], element: str) -> dict[str, Any] | None:
    """Text as an attachment; repetitions are lines."""
    lines = []
    for view in views:
        text = view.as_text()
        if text and text != NULL:
            lines.append(text)
            context.mapped(view.whole(), element)
    return _text_attachment("\n".join(lines)) if lines else None


def _text_attachment(text: str) -> dict[str, Any]:
    found = embedded([text.encode()])
    return {"contentType": PLAIN, "data": found.data, "hash": found.hash, "size": found.size}


@finishing_step("joined-texts")
def joined_texts(_assembly: Assembly, _scope: Scope, target: dict[str, Any], _label: str) -> None:
    """A document sent as one OBX per line is one text."""
    contents: list[dict[str, Any]] = []
    for content in target.get("content", ()):
        last = contents[-1]["attachment"] if contents else {}
        if content["attachment"].get("contentType") == PLAIN == last.get("contentType"):
            texts = [b64decode(one["data"]).decode() for one in (last, content["attachment"])]
            contents[-1] = {"attachment": _text_attachment("\n".join(texts))}
        else:
            contents.append(content)
    if contents:
        target["content"] = contents
