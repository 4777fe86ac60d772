"""URIs beyond their characters: UUIDs and OIDs in their own form, canonical references absolute.

Source: FHIR R4 §2.24.0.1 uri, oid, uuid and canonical, https://hl7.org/fhir/R4/datatypes.html#uri, and
§2.3.0.2 canonical URLs, https://hl7.org/fhir/R4/references.html#canonical
"""

import re
from collections.abc import Callable

from fhir_server.validation.element import Element
from fhir_server.validation.items import Item
from fhir_server.validation.report import Report, shown

URI_TYPES = frozenset({"uri", "url", "canonical"})

_SPECIAL = re.compile(r"(?:urn:)?(?:uuid|oid):", re.IGNORECASE)
_UUID = re.compile(r"urn:uuid:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?=[#|]|\Z)")
"""In lower case, since URIs are compared as they are written."""
_OID = re.compile(r"urn:oid:[0-2](?:\.(?:0|[1-9][0-9]*))+(?=[#|]|\Z)")
_ABSOLUTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")


def fault_of_uri(type_code: str, value: str) -> str | None:
    """The issue id of what is wrong with a URI; None where nothing is."""
    if _SPECIAL.match(value):
        if value[:4].lower() != "urn:":
            return "uri-urn-missing"
        form, issue_id = (_UUID, "uri-uuid") if value[4:5] in "uU" else (_OID, "uri-oid")
        return None if form.match(value) else issue_id
    if type_code == "canonical" and not value.startswith("#") and not _ABSOLUTE.match(value):
        return "uri-canonical-relative"
    return None


def _can_but_warn(element: Element, type_code: str) -> bool:
    """Whether faults are warnings: R4's own examples have relative canonical references, and the links
    within a transaction are placeholders until the server rewrites them.
    """
    return type_code != "uri" or element.path == "Bundle.entry.fullUrl"


def compile_uri(element: Element, type_code: str, *, silent: bool) -> list[Callable[[str], bool]]:
    """The fast check of a URI; where it can but warn, only if `silent`."""
    if type_code not in URI_TYPES or (_can_but_warn(element, type_code) and not silent):
        return []
    return [lambda value: value[:4] == "http" or fault_of_uri(type_code, value) is None]


def explain_uri(element: Element, item: Item, report: Report) -> None:
    """The detailed check of a URI."""
    if item.type_code not in URI_TYPES or not isinstance(item.value, str):
        return
    fault = fault_of_uri(item.type_code, item.value)
    if fault is not None:
        add = report.warning if _can_but_warn(element, item.type_code) else report.error
        add(fault, "invalid", item.location, element.profile, found=shown(item.value))
