"""Attachments: the size that is stated is the size of the data.

Source: FHIR R4 Attachment.size, https://hl7.org/fhir/R4/datatypes.html#Attachment
"""

from base64 import b64decode
from binascii import Error as Base64Error
from typing import Any

from fhir_server.validation.check import Check
from fhir_server.validation.element import Element
from fhir_server.validation.inspection import Inspection
from fhir_server.validation.items import Item
from fhir_server.validation.scope import Scope


def _data_size(value: dict[str, Any]) -> int | None:
    """The number of bytes in an Attachment's data; None where there is none or it is not base64."""
    data = value.get("data")
    if not isinstance(data, str):
        return None
    try:
        return len(b64decode(data.translate({ord(c): None for c in " \t\r\n"}), validate=True))
    except (Base64Error, ValueError):
        return None


def _sizes(value: Any) -> tuple[int, int] | None:
    stated = value.get("size") if isinstance(value, dict) else None
    if not isinstance(stated, int):
        return None
    actual = _data_size(value)
    return None if actual is None else (stated, actual)


def compile_attachment() -> Check:
    """The fast check of an Attachment."""

    def check(value: Any, _scope: Scope, _place: Element) -> bool:
        sizes = _sizes(value)
        return sizes is None or sizes[0] == sizes[1]

    return check


def explain_attachment(element: Element, item: Item, case: Inspection) -> None:
    """The detailed check of an Attachment."""
    sizes = _sizes(item.value)
    if sizes is not None and sizes[0] != sizes[1]:
        case.report.error("attachment-size", "structure", item.location, element.profile,
                          found=sizes[0], actual=sizes[1])  # fmt: skip
