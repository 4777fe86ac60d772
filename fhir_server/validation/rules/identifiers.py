"""Identifiers: the system is an absolute URI, and a URI as identifier is one.

Source: FHIR R4 Identifier, https://hl7.org/fhir/R4/datatypes.html#Identifier
"""

import re
from typing import Any

from fhir_server.model.issues import Severity
from fhir_server.validation.check import Check
from fhir_server.validation.element import Element
from fhir_server.validation.inspection import Inspection
from fhir_server.validation.items import Item
from fhir_server.validation.report import shown
from fhir_server.validation.scope import Scope

_URI_SYSTEM = "urn:ietf:rfc:3986"
_BARE_OID = re.compile(r"[0-2](?:\.(?:0|[1-9][0-9]*))+")
_ABSOLUTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:\S+")


def _fault(value: Any) -> tuple[str, Severity, str] | None:
    """The issue id, its severity and what was found; None where nothing is wrong."""
    system = value.get("system")
    if not isinstance(system, str):
        return None
    if not _ABSOLUTE.match(system):
        return "identifier-system-relative", "error", system
    text = value.get("value")
    if system == _URI_SYSTEM and isinstance(text, str) and not _ABSOLUTE.match(text):
        # A bare OID is plain enough; an example of R4 has one.
        return "identifier-no-uri", "warning" if _BARE_OID.fullmatch(text) else "error", text
    return None


def compile_identifier(*, silent: bool) -> Check:
    """The fast check of an Identifier."""

    def check(value: Any, _scope: Scope, _place: Element) -> bool:
        fault = _fault(value)
        return fault is None or (fault[1] == "warning" and not silent)

    return check


def explain_identifier(element: Element, item: Item, case: Inspection) -> None:
    """The detailed check of an Identifier."""
    fault = _fault(item.value) if isinstance(item.value, dict) else None
    if fault is not None:
        issue_id, severity, found = fault
        case.report.add(
            issue_id, severity, "code-invalid", item.location, element.profile, found=shown(found)
        )
